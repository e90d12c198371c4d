//! A client that loads a server: on each of its connections it sends a request, waits for the whole response and sends
//! the next one.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use rustix::event::epoll;

/// What a client says and how long the server's answer is.
pub struct Exchange {
    request: Vec<u8>,
    response: usize,
}

/// What a time of load measured.
pub struct Load {
    pub per_second: f64,
    pub median: Duration,
    pub p99: Duration,
}

struct Connection {
    stream: TcpStream,
    received: usize,
    sent: Instant,
}

impl Exchange {
    /// Learns from the server at `port` how long its response is: all that comes until it is silent. The first response
    /// is not looked at, as what makes it may still be loaded.
    pub fn learn(port: u16, request: Vec<u8>) -> Result<Exchange> {
        let mut stream = connect(port)?;
        stream.write_all(&request)?;
        until_silent(&mut stream, Duration::from_secs(1))?;
        stream.write_all(&request)?;
        let response = until_silent(&mut stream, Duration::from_millis(200))?;
        Ok(Exchange { request, response })
    }

    /// Opens connections, each of which has had one exchange when it is given.
    pub fn idle(&self, port: u16, connections: usize) -> Result<Vec<TcpStream>> {
        let mut response = vec![0; self.response];
        (0..connections)
            .map(|_| {
                let mut stream = connect(port)?;
                stream.write_all(&self.request)?;
                stream.read_exact(&mut response)?;
                Ok(stream)
            })
            .collect()
    }

    /// Keeps `connections` busy: for a second that is not measured, then for `time`.
    pub fn load(&self, port: u16, connections: usize, time: Duration) -> Result<Load> {
        let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut all = Vec::with_capacity(connections);
        for (i, stream) in self.idle(port, connections)?.into_iter().enumerate() {
            stream.set_nonblocking(true)?;
            epoll::add(&poll, &stream, epoll::EventData::new_u64(i as u64), epoll::EventFlags::IN)?;
            all.push(Connection { stream, received: 0, sent: Instant::now() });
        }
        for connection in &mut all {
            self.send(connection)?;
        }
        let start = Instant::now() + Duration::from_secs(1);
        let mut latencies = Vec::new();
        let mut events = Vec::with_capacity(connections);
        let limit = rustix::time::Timespec { tv_sec: 10, tv_nsec: 0 };
        while start.elapsed() < time {
            events.clear();
            epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), Some(&limit))?;
            if events.is_empty() {
                return Err(Error::new(ErrorKind::TimedOut, "no response within ten seconds"));
            }
            for event in &events {
                let connection = &mut all[event.data.u64() as usize];
                if self.receive(connection)? {
                    let now = Instant::now();
                    if now > start {
                        latencies.push(now - connection.sent);
                    }
                    self.send(connection)?;
                }
            }
        }
        let took = start.elapsed();
        latencies.sort_unstable();
        let at = |share: f64| latencies.get((latencies.len() as f64 * share) as usize).copied().ok_or_else(closed);
        Ok(Load { per_second: latencies.len() as f64 / took.as_secs_f64(), median: at(0.5)?, p99: at(0.99)? })
    }

    fn send(&self, connection: &mut Connection) -> Result<()> {
        connection.received = 0;
        connection.sent = Instant::now();
        connection.stream.write_all(&self.request)
    }

    /// Whether the response is complete.
    fn receive(&self, connection: &mut Connection) -> Result<bool> {
        let mut buffer = [0; 16384];
        match connection.stream.read(&mut buffer) {
            Ok(0) => return Err(closed()),
            Ok(n) => connection.received += n,
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            Err(e) => return Err(e),
        }
        Ok(connection.received >= self.response)
    }
}

/// The number of bytes that come until nothing came for some time.
fn until_silent(stream: &mut TcpStream, silence: Duration) -> Result<usize> {
    let (mut length, mut buffer) = (0, [0; 16384]);
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Err(closed()),
            Ok(n) => length += n,
            Err(e) if e.kind() == ErrorKind::WouldBlock && length > 0 => break,
            Err(e) => return Err(e),
        }
        stream.set_read_timeout(Some(silence))?;
    }
    stream.set_read_timeout(None)?;
    Ok(length)
}

fn connect(port: u16) -> Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn closed() -> Error {
    Error::new(ErrorKind::UnexpectedEof, "the server closed a connection or answered nothing")
}
