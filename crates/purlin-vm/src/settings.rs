//! What the command line sets once and for all: natives tell these values, and some obey them.

/// The settings that are no numbers of schedulers, processes or atoms.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The version of the emulator that the libraries came with.
    pub version: String,
    /// The arguments that the emulator was started with (`emu_args`).
    pub emulator_args: Vec<String>,
    /// Schedulers that run processes at first; `None`: all.
    pub online: Option<usize>,
    /// Ports at most (`+Q`).
    pub port_limit: usize,
    /// Tables that there may be without being slow to find by name (`+e`).
    pub table_limit: usize,
    /// All tables are compressed (`+ec`).
    pub compress_tables: bool,
    /// Threads for asynchronous work of drivers (`+A`).
    pub async_threads: usize,
    /// The release to be compatible with (`+R`); `None`: the one that is booted.
    pub compat_release: Option<usize>,
    /// The level of modified timing (`+T`).
    pub timing_level: Option<usize>,
    /// Time is corrected (`+c`).
    pub time_correction: bool,
    /// The time warp mode (`+C`).
    pub time_warp: String,
    /// Ports are given work in parallel (`+spp`).
    pub port_parallelism: bool,
    /// Bytes in the buffer of a connection that make it busy (`+zdbbl`).
    pub busy_limit: usize,
    /// Seconds for which nodes are remembered that are not used any more (`+zdntgc`); `None`: for ever.
    pub node_memory: Option<usize>,
    /// Requests of a system process that are under way at most (`+zosrl`); `None`: two for each scheduler.
    pub requests_limit: Option<usize>,
    /// New processes send over distribution without waiting (`+pad`, since OTP 26).
    pub async_dist: bool,
    /// Machine code is named in `/tmp/perf-PID.map` (`+JPperf`).
    pub perf_map: bool,
    /// The encoding of file names (`+fn`): `l`, `u` or `a`; `None`: as the locale says.
    pub file_names: Option<char>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            version: "13.1.5".into(),
            emulator_args: Vec::new(),
            online: None,
            port_limit: 65_536,
            table_limit: 8192,
            compress_tables: false,
            async_threads: 1,
            compat_release: None,
            timing_level: None,
            time_correction: true,
            time_warp: "no_time_warp".into(),
            port_parallelism: false,
            busy_limit: 1 << 20,
            node_memory: Some(60),
            requests_limit: None,
            async_dist: false,
            perf_map: false,
            file_names: None,
        }
    }
}
