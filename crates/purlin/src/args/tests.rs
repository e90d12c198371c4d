use super::*;

const PLACE: Place<'static> =
    Place { root: "/r", bindir: "/r/b", progname: "erl", release: Release(25), processors: 4 };

fn parse_with(args: &[&str], variable: &str, flags: &str) -> Result<CommandLine, Stop> {
    let args: Vec<String> = args.iter().map(|s| s.to_string()).collect();
    CommandLine::parse(&args, &PLACE, |name| (name == variable).then(|| flags.to_string()))
}

fn parse(args: &[&str]) -> Result<CommandLine, Stop> {
    parse_with(args, "", "")
}

/// What `init` gets behind the flags that are always there.
fn init(line: &CommandLine) -> Vec<&str> {
    line.init_args.iter().map(String::as_str).skip(8).collect()
}

#[test]
fn emulator_flags_are_taken_out_wherever_they_stand() {
    let line = parse(&["+S", "2:2", "-pa", "x", "-noshell", "+P1048576", "-extra", "+S", "r"]).unwrap();
    assert_eq!((line.flags.schedulers, line.flags.online), (Some(2), Some(2)));
    assert_eq!(line.flags.processes, Some(1_048_576));
    assert_eq!(init(&line), ["-pa", "x", "-noshell", "-extra", "+S", "r"]);
}

#[test]
fn flags_of_the_environment_stand_before_extra() {
    let line = parse_with(&["-s", "m", "-extra", "a"], "ERL_FLAGS", "+S 1 -x 'a b' -extra z").unwrap();
    assert_eq!(line.flags.schedulers, Some(1));
    assert_eq!(init(&line), ["-s", "m", "--", "-x", "a b", "-extra", "a", "z", "--"]);
    let line = parse_with(&["-s", "m"], "ERL_AFLAGS", "-x a#b").unwrap();
    assert_eq!(init(&line), ["-x", "a#b", "--", "-s", "m", "--"]);
}

#[test]
fn tuning_flags_are_accepted_with_their_values() {
    let flags = ["+sbwt", "none", "+stbt", "db", "+hms", "1000", "+MBas", "aobf", "+zosrl", "7", "+zebwt", "none"];
    let line = parse(&[&flags[..], &["+B", "i", "-noinput"]].concat()).unwrap();
    assert_eq!((line.flags.min_heap, line.flags.requests_limit), (Some(1000), Some(7)));
    assert_eq!(line.flags.break_handling, Some('i'));
    assert_eq!(init(&line), ["-noshell", "-noinput"]);
}

#[test]
fn schedulers_are_counted_from_the_processors() {
    let counted = |arg: &str| parse(&["+S", arg]).map(|l| (l.flags.schedulers, l.flags.online));
    assert_eq!(counted("0").unwrap(), (None, None));
    assert_eq!(counted("-1").unwrap(), (Some(3), Some(3)));
    assert_eq!(counted(":2").unwrap(), (Some(4), Some(2)));
    assert_eq!(counted("8").unwrap(), (Some(8), Some(4)));
    assert!(counted("-4").unwrap_err().err.starts_with("bad amount of schedulers -4\r\nUsage: beam.smp "));
    let online = counted("2:3").unwrap_err().err;
    assert!(online.starts_with("bad amount of schedulers online 3 (total amount of schedulers 2)\r\n"));
}

#[test]
fn faults_are_told_as_the_beam_does() {
    for (args, told) in [
        (&["+y"][..], "/r/b/beam.smp unknown flag -y\r\n"),
        (&["+P", "7"], "bad number of processes 7\r\n"),
        (&["+MBe", "maybe"], "bad \"MBe\" value: maybe\r\n"),
        (&["+MBx"], "bad \"MB\" parameter\r\n"),
        (&["+zx"], "bad -z option -zx\r\n"),
        (&["+sct", "L0-1c0"], "bad cpu topology 'L0-1c0': not unique entities\r\n"),
        // What is read first is told first.
        (&["+P", "7", "+A", "-1"], "bad number of async threads -1\r\n"),
        (&["+P"], "Missing argument(s) for '+P'.\nUsage: erl "),
        (&["-env", "X"], "Missing argument(s) for '-env'.\nUsage: erl "),
        (&["+Bx"], "Missing argument(s) for '-Bx'.\nUsage: erl "),
        (&["-smp", "disable"], "Argument '-smp disable' not supported. Use \"+S 1\" instead.\nUsage: erl "),
        (&["-no_epmd"], "erlexec: Missing -proto_dist option, expected when using -no_epmd.\n"),
    ] {
        let stop = parse(args).unwrap_err();
        assert!(stop.err.starts_with(told) && stop.status == 1, "{args:?}: {stop:?}");
    }
    assert_eq!(init(&parse(&["-heart", "-noshell"]).unwrap()), ["-heart", "-noshell"]);
}

#[test]
fn make_ends_the_command_line_and_then_the_emulator() {
    let line = parse(&["-make", "+y", "x"]).unwrap();
    assert_eq!(init(&line), ["-noshell", "-noinput", "-s", "make", "all_or_nothing", "-s", "erlang", "halt"]);
}
