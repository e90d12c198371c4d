//! What nodes send each other: a real node reads what we send, and we read what it sends.

use purlin_term::external::distribution::{Incoming, OutCache, Outgoing};
use purlin_term::external::{DecodeContext, EncodeOptions, FunParts};
use purlin_term::{Atom, FunEntry, Heap, Kind, Term, compare::same};
use purlin_testkit::generate::{Shape, gen_map, gen_term};
use purlin_testkit::mutate::Random;
use purlin_testkit::oracle::Oracle;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::external::AnyFun;
use crate::setting;

/// `echo` sends back what it gets; `flood` has many processes send something long at the same time. The node listens
/// when both are there.
const SERVERS: &str = "
    register(echo, spawn(fun Loop() -> receive {From, T} -> From ! T, Loop() end end)),
    register(flood, spawn(fun Loop() ->
        receive {From, N, Size} ->
            [spawn(fun() -> From ! {I, binary:copy(<<I>>, Size)} end) || I <- lists:seq(1, N)],
            Loop()
        end end))";

const COOKIE: &str = "purlin_cookie";
const CREATION: u32 = 0x1234_5678;

/// What every node has to know since OTP 26, and what says which control tuples are sent.
const KNOWN: u64 =
    0x4 | 0x10 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800 | 0x4000 | 0x1_0000 | 0x2_0000 | 0x4_0000 | 0x8_0000;
const KNOWN_LATER: u64 = 0x40_0000 | 0x100_0000 | 0x200_0000 | 0x400_0000 | 1 << 32 | 1 << 34 | 1 << 35;
const ATOM_CACHE: u64 = 0x2000;
const FRAGMENTS: u64 = 0x80_0000;

/// A real node, which ends when this is dropped.
struct Peer {
    child: Child,
    port: u16,
}

impl Peer {
    fn start(name: &str) -> Peer {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
        let port = free.port();
        let number = port.to_string();
        let servers = format!("{SERVERS}, {{ok, _}} = net_kernel:start(['{name}', shortnames]).");
        let child = Command::new("erl")
            .args(["-noinput", "-boot", "start_clean", "-setcookie", COOKIE, "-eval", &servers])
            .env("ERL_CRASH_DUMP_SECONDS", "0")
            // Nobody is told of the node's port.
            .args(["-start_epmd", "false", "-erl_epmd_port", &number])
            .args(["-kernel", "inet_dist_listen_min", &number, "inet_dist_listen_max", &number])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("erl starts");
        Peer { child, port }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Our end of a connection with it.
struct Connection {
    stream: TcpStream,
    node: Here,
    incoming: Incoming,
    cache: OutCache,
    cached: bool,
    fragments: bool,
    /// Messages that were incomplete at a time, at most.
    most_incomplete: usize,
}

/// This node, where any fun is known.
struct Here(Atom);

impl DecodeContext for Here {
    fn fun(&mut self, parts: FunParts) -> Option<Arc<FunEntry>> {
        AnyFun.fun(parts)
    }

    fn node(&self) -> (Atom, u32) {
        (self.0, CREATION)
    }

    fn safe(&self) -> bool {
        false
    }
}

impl Connection {
    fn open(peer: &mut Peer, oracle: &mut Oracle, name: &str, cached: bool, fragments: bool) -> Connection {
        let start = Instant::now();
        let mut stream = loop {
            match TcpStream::connect(("127.0.0.1", peer.port)) {
                Ok(stream) => break stream,
                Err(_) if start.elapsed() < Duration::from_secs(60) => std::thread::sleep(Duration::from_millis(50)),
                Err(error) => panic!("no connection: {error}"),
            }
            assert!(matches!(peer.child.try_wait(), Ok(None)), "the node runs");
        };
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        let known = KNOWN | KNOWN_LATER | if cached { ATOM_CACHE } else { 0 } | if fragments { FRAGMENTS } else { 0 };
        let hello = [b"N", &known.to_be_bytes()[..], &CREATION.to_be_bytes(), &[0, name.len() as u8], name.as_bytes()];
        put(&mut stream, &hello.concat());
        assert_eq!(get(&mut stream), b"sok");
        let challenge = get(&mut stream);
        let challenge = u32::from_be_bytes(challenge[9..13].try_into().expect("four bytes"));
        let mut heap = Heap::new(0);
        let text = heap.binary(format!("{COOKIE}{challenge}").as_bytes());
        let digest = oracle.call(&mut heap, "erlang", "md5", &[text]).expect("a digest");
        let digest = digest.as_bits().expect("a binary").to_bytes().into_owned();
        put(&mut stream, &[b"r", &[0, 0, 0, 1][..], &digest].concat());
        assert_eq!(get(&mut stream)[0], b'a');
        let node = Here(Atom::new(name));
        let (incoming, cache) = (Incoming::default(), OutCache::default());
        Connection { stream, node, incoming, cache, cached, fragments, most_incomplete: 0 }
    }

    /// Sends a term to a process of this name, with a pid of ours before it.
    fn send(&mut self, heap: &mut Heap, name: &str, terms: &[Term]) {
        let from = Term::pid(77);
        let control = heap.tuple(&[Term::small(6), from, Term::atom(Atom::EMPTY), Term::atom(Atom::new(name))]);
        let message = heap.tuple(&[&[from], terms].concat());
        let options = EncodeOptions { node: self.node.0, creation: CREATION, ..EncodeOptions::default() };
        let sent = Outgoing::new(control, Some(message), &options, self.cached).expect("small terms");
        for packet in sent.packets(&mut self.cache, 77, self.fragments).map(|packet| packet.bytes()) {
            self.stream.write_all(&(packet.len() as u32).to_be_bytes()).expect("it is open");
            self.stream.write_all(&packet).expect("it is open");
        }
    }

    /// The next message to our process.
    fn receive(&mut self, heap: &mut Heap) -> Term {
        loop {
            let packet = self.packet();
            let whole = self.incoming.packet(&packet).expect("a sound packet");
            self.most_incomplete = self.most_incomplete.max(self.incoming.incomplete());
            let Some(whole) = whole else { continue };
            let (control, message) = whole.decode(heap, &mut self.node).expect("a message");
            if let &[kind, from, to] = control.as_tuple().expect("a control tuple") {
                assert_eq!((kind, to), (Term::small(22), Term::pid(77)));
                assert!(matches!(from.as_external(), Some((Kind::ExtPid, ..))));
                return message.expect("the message");
            }
        }
    }

    fn packet(&mut self) -> Vec<u8> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).expect("a length");
        let mut packet = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut packet).expect("a packet");
        packet
    }
}

fn put(stream: &mut TcpStream, message: &[u8]) {
    let bytes = [&(message.len() as u16).to_be_bytes()[..], message].concat();
    stream.write_all(&bytes).expect("it is open");
}

fn get(stream: &mut TcpStream) -> Vec<u8> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).expect("a length");
    let mut message = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut message).expect("a message");
    message
}

/// A term, and among others atoms of which there are more than a cache has slots.
fn term(heap: &mut Heap, random: &mut Random) -> Term {
    let shape = Shape { depth: random.below(5) as u32, ..Shape::default() };
    let inner = match random.below(100) {
        0 => heap.binary(&vec![random.number() as u8; 60_000 + random.below(200_000)]),
        1..9 => gen_map(heap, random, shape),
        _ => gen_term(heap, random, shape),
    };
    let mut elements = vec![inner];
    // More than a header can hold, at times.
    let atoms = if random.below(50) == 0 { 400 } else { random.below(6) };
    elements.extend((0..atoms).map(|_| {
        let long = if random.below(20) == 0 { "日".repeat(200) } else { String::new() };
        Term::atom(Atom::new(&format!("atom{}{long}", random.below(5_000))))
    }));
    heap.tuple(&elements)
}

#[test]
fn a_real_node_sends_back_what_was_sent_to_it() {
    const BATCH: u64 = 100;
    let Some(mut oracle) = Oracle::start() else {
        println!("skipped: no erl on this machine");
        return;
    };
    let id = std::process::id();
    let mut peer = Peer::start(&format!("purlin_peer_{id}@localhost"));
    let (first, count) = (setting("ORACLE_SEED", 1), setting("ORACLE_CASES", 10_000) / 10);
    for (cached, fragments) in [(true, true), (true, false), (false, true), (false, false)] {
        let name = format!("purlin_{id}_{cached}_{fragments}@localhost");
        let mut connection = Connection::open(&mut peer, &mut oracle, &name, cached, fragments);
        for batch in (first..first + count).step_by(BATCH as usize) {
            let mut heap = Heap::new(0);
            let terms: Vec<Term> = (batch..batch + BATCH).map(|seed| term(&mut heap, &mut Random::new(seed))).collect();
            for &t in &terms {
                connection.send(&mut heap, "echo", &[t]);
            }
            for (&t, seed) in terms.iter().zip(batch..) {
                let again = connection.receive(&mut heap);
                assert!(same(again, t), "seed {seed}: {t:?} came back as {again:?}");
            }
        }
    }
}

#[test]
fn long_messages_of_a_real_node_arrive_between_each_other() {
    const COUNT: i64 = 40;
    const SIZE: i64 = 700_000;
    let Some(mut oracle) = Oracle::start() else {
        println!("skipped: no erl on this machine");
        return;
    };
    let id = std::process::id();
    let mut peer = Peer::start(&format!("purlin_flood_{id}@localhost"));
    let name = format!("purlin_{id}@localhost");
    let mut connection = Connection::open(&mut peer, &mut oracle, &name, true, true);
    let mut heap = Heap::new(0);
    connection.send(&mut heap, "flood", &[Term::small(COUNT), Term::small(SIZE)]);
    let mut arrived = Vec::new();
    for _ in 0..COUNT {
        let message = connection.receive(&mut heap);
        let &[number, data] = message.as_tuple().expect("a pair") else { panic!("a pair") };
        let number = number.as_small().expect("a number");
        let data = data.as_bits().expect("a binary");
        assert_eq!(data.size, SIZE as usize * 8);
        assert!(data.to_bytes().iter().all(|&byte| i64::from(byte) == number));
        arrived.push(number);
    }
    arrived.sort_unstable();
    assert_eq!(arrived, Vec::from_iter(1..=COUNT));
    assert_eq!((connection.incoming.incomplete(), connection.incoming.incomplete_bytes()), (0, 0));
    println!("incomplete at a time: {}", connection.most_incomplete);
}
