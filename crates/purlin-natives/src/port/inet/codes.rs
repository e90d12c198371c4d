//! The numbers that `prim_inet` and the driver share, by the names that they have in `inet_int.hrl`.

/// An enumeration whose members have numbers of one byte, and the member of a number.
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($member:ident = $number:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum $name { $($member = $number,)* }

        impl $name {
            pub fn of(number: u8) -> Option<$name> {
                match number {
                    $($number => Some($name::$member),)*
                    _ => None,
                }
            }
        }
    };
}

codes! {
    /// Control operations: `INET_REQ_*`, `TCP_REQ_*`, `PACKET_REQ_*`.
    Op {
        Open = 1,
        Close = 2,
        Connect = 3,
        Peer = 4,
        Name = 5,
        Bind = 6,
        SetOpts = 7,
        GetOpts = 8,
        GetStat = 11,
        GetHostName = 12,
        FdOpen = 13,
        GetFd = 14,
        GetType = 15,
        GetStatus = 16,
        GetServByName = 17,
        GetServByPort = 18,
        SetName = 19,
        SetPeer = 20,
        GetIfList = 21,
        IfGet = 22,
        IfSet = 23,
        Subscribe = 24,
        GetIfAddrs = 25,
        Accept = 26,
        Listen = 27,
        IgnoreFd = 28,
        GetLAddrs = 29,
        GetPAddrs = 30,
        Recv = 42,
        Unrecv = 43,
        Shutdown = 44,
        SendFile = 45,
        PacketRecv = 60,
    }
}

codes! {
    /// Socket options: `INET_OPT_*`, `TCP_OPT_*`, `UDP_OPT_*`, and the driver's own `INET_LOPT_*`.
    Opt {
        ReuseAddr = 0,
        KeepAlive = 1,
        DontRoute = 2,
        Linger = 3,
        Broadcast = 4,
        OobInline = 5,
        SndBuf = 6,
        RcvBuf = 7,
        Priority = 8,
        Tos = 9,
        NoDelay = 10,
        MulticastIf = 11,
        MulticastTtl = 12,
        MulticastLoop = 13,
        AddMembership = 14,
        DropMembership = 15,
        Ipv6V6Only = 16,
        Buffer = 20,
        Header = 21,
        Active = 22,
        Packet = 23,
        Mode = 24,
        Deliver = 25,
        ExitOnClose = 26,
        HiWtrMrk = 27,
        LoWtrMrk = 28,
        SendTimeout = 30,
        DelaySend = 31,
        PacketSize = 32,
        ReadPackets = 33,
        Raw = 34,
        SendTimeoutClose = 35,
        MsgqHiWtrMrk = 36,
        MsgqLoWtrMrk = 37,
        NetNs = 38,
        ShowEconnreset = 39,
        LineDelim = 40,
        TClass = 41,
        BindToDevice = 42,
        RecvTos = 43,
        RecvTClass = 44,
        PktOptions = 45,
        Ttl = 46,
        RecvTtl = 47,
        NoPush = 48,
        Debug = 99,
    }
}

codes! {
    /// What `inet:getstat/2` asks for: `INET_STAT_*`.
    Stat {
        RecvCnt = 1,
        RecvMax = 2,
        RecvAvg = 3,
        RecvDvi = 4,
        SendCnt = 5,
        SendMax = 6,
        SendAvg = 7,
        SendPend = 8,
        RecvOct = 9,
        SendOct = 10,
    }
}

codes! {
    /// Kinds of sockets: `INET_TYPE_*`.
    Type {
        Stream = 1,
        Dgram = 2,
    }
}

codes! {
    /// How packets are told apart: `TCP_PB_*`.
    Packet {
        Raw = 0,
        One = 1,
        Two = 2,
        Four = 3,
        Asn1 = 4,
        Rm = 5,
        Cdr = 6,
        Fcgi = 7,
        LineLf = 8,
        Tpkt = 9,
        Http = 10,
        HttpH = 11,
        SslTls = 12,
        HttpBin = 13,
        HttpHBin = 14,
    }
}

codes! {
    /// What comes in unasked: `INET_PASSIVE`, `INET_ACTIVE`, `INET_ONCE`, `INET_MULTI`.
    ActiveMode {
        Passive = 0,
        Active = 1,
        Once = 2,
        Multi = 3,
    }
}

/// What `INET_REQ_SUBSCRIBE` knows: the output is sent.
pub const SUBS_EMPTY_OUT_Q: u8 = 1;

/// Bits of a socket's state: `INET_F_*`.
/// What a request to open says of the protocol (since OTP 28).
pub mod protocol {
    /// The one of the driver.
    pub const DEFAULT: u8 = 0;
    pub const TCP: u8 = 1;
    pub const UDP: u8 = 2;
    pub const SCTP: u8 = 3;
    pub const MPTCP: u8 = 4;
}

pub mod status {
    pub const OPEN: u32 = 0x01;
    pub const ACTIVE: u32 = 0x04;
    pub const LISTEN: u32 = 0x08;
    pub const CON: u32 = 0x10;
    pub const ACC: u32 = 0x20;
    pub const BUSY: u32 = 0x80;
    /// Several processes accept; the Erlang side has no name for it.
    pub const MULTI: u32 = 0x100;
}

/// Flags of an interface: `INET_IFF_*`.
pub mod flag {
    pub const UP: u32 = 0x01;
    pub const BROADCAST: u32 = 0x02;
    pub const LOOPBACK: u32 = 0x04;
    pub const POINTTOPOINT: u32 = 0x08;
    pub const RUNNING: u32 = 0x10;
    pub const MULTICAST: u32 = 0x20;
}
