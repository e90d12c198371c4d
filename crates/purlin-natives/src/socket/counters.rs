//! Counters of sockets: of each one, and of all of an engine.

/// A counter of a socket.
#[derive(Clone, Copy)]
pub enum Count {
    ReadByte,
    ReadFails,
    ReadPkg,
    ReadPkgMax,
    ReadTries,
    /// Nothing counts these, as in OTP.
    #[allow(dead_code)]
    ReadWaits,
    WriteByte,
    WriteFails,
    WritePkg,
    WritePkgMax,
    WriteTries,
    WriteWaits,
    AccSuccess,
    AccFails,
    AccTries,
    AccWaits,
}

/// The counters of a socket, by [`Count`], and the sizes of the packets under way.
#[derive(Default)]
pub struct Counters {
    pub values: [u64; Counters::NAMES.len()],
    read_packet: u64,
    write_packet: u64,
}

impl Counters {
    /// Their names, in the order of [`Count`].
    pub const NAMES: [&'static str; 16] = [
        "read_byte",
        "read_fails",
        "read_pkg",
        "read_pkg_max",
        "read_tries",
        "read_waits",
        "write_byte",
        "write_fails",
        "write_pkg",
        "write_pkg_max",
        "write_tries",
        "write_waits",
        "acc_success",
        "acc_fails",
        "acc_tries",
        "acc_waits",
    ];

    pub fn add(&mut self, count: Count, n: usize) {
        let value = &mut self.values[count as usize];
        *value = value.wrapping_add(n as u64);
    }

    fn raise(&mut self, count: Count, to: u64) {
        let value = &mut self.values[count as usize];
        *value = (*value).max(to);
    }

    /// A part of a packet was read.
    pub fn read_part(&mut self, n: usize) {
        self.add(Count::ReadByte, n);
        self.read_packet += n as u64;
    }

    /// A packet was read to its end.
    pub fn read_packet(&mut self) {
        self.add(Count::ReadPkg, 1);
        let size = std::mem::take(&mut self.read_packet);
        self.raise(Count::ReadPkgMax, size);
    }

    /// A part of a packet went out.
    pub fn wrote_part(&mut self, n: usize) {
        self.write_packet += n as u64;
    }

    /// A packet went out to its end, of which these bytes were the last.
    pub fn wrote_packet(&mut self, n: usize) {
        self.add(Count::WritePkg, 1);
        self.add(Count::WriteByte, n);
        let size = std::mem::take(&mut self.write_packet) + n as u64;
        self.raise(Count::WritePkgMax, size);
    }

    pub fn forget_packet(&mut self) {
        self.write_packet = 0;
    }
}

/// Counters of sending files.
#[derive(Default)]
pub struct FileCounters {
    pub calls: u64,
    pub bytes: u64,
    pub fails: u64,
    pub max: u64,
    pub packets: u64,
    pub packet_max: u64,
    pub tries: u64,
    pub waits: u64,
    /// Bytes of the file under way.
    pub now: u64,
}

/// What `socket:info/0` tells: how many sockets of each kind there are, and what was set for new ones.
#[derive(Default)]
pub struct Global {
    pub debug: Option<bool>,
    pub socket_debug: Option<bool>,
    pub use_registry: Option<bool>,
    pub sockets: i64,
    pub datagram: i64,
    pub stream: i64,
    pub sequenced: i64,
    pub inet: i64,
    pub inet6: i64,
    pub ip: i64,
    pub tcp: i64,
    pub udp: i64,
    pub sctp: i64,
}

impl Global {
    /// Counts a socket that is opened (1) or closed (-1). Local ones count as `inet6`, as in OTP, where a socket that was
    /// opened with the default protocol is also counted under another one than when it is closed.
    pub fn count(&mut self, domain: i32, kind: i32, protocol: i32, by: i64) {
        let change = |n: &mut i64| *n = (*n + by).max(0);
        change(&mut self.sockets);
        match domain {
            libc::AF_INET => change(&mut self.inet),
            libc::AF_INET6 | libc::AF_UNIX => change(&mut self.inet6),
            _ => {}
        }
        match kind {
            libc::SOCK_STREAM => change(&mut self.stream),
            libc::SOCK_DGRAM => change(&mut self.datagram),
            libc::SOCK_SEQPACKET => change(&mut self.sequenced),
            _ => {}
        }
        match protocol {
            libc::IPPROTO_IP => change(&mut self.ip),
            libc::IPPROTO_TCP => change(&mut self.tcp),
            libc::IPPROTO_UDP => change(&mut self.udp),
            libc::IPPROTO_SCTP => change(&mut self.sctp),
            _ => {}
        }
    }
}
