//! What the commands `erlc` and `escript` pass to `erl`.

use crate::args::ArgsError;
use std::io::{BufRead, BufReader};

/// The arguments of `erl` for `erlc` with these arguments.
///
/// One scheduler is enough for it, and leaves the machine to a parallel build's other commands.
pub fn erlc(args: &[String]) -> Result<Vec<String>, ArgsError> {
    let mut front = vec!["+S1".to_string()];
    let mut rest: Vec<String> =
        ["+sbtu", "+A0", "-noinput", "-mode", "minimal", "-boot", "no_dot_erlang", "-s", "erl_compile"]
            .iter()
            .chain(&["compile_cmdline", "-extra"])
            .map(|s| s.to_string())
            .collect();
    let mut it = args.iter().peekable();
    while let Some(arg) = it.next() {
        match arg.as_str() {
            // No server is used, so these have nothing to say.
            "-d" | "-no-server" | "-server" => {}
            "-smp" => front.insert(0, arg.clone()),
            _ if arg.starts_with("-pa") || arg.starts_with("-pz") => {
                let dir = match &arg[3..] {
                    "" => it.next_if(|v| !v.starts_with('-')).map(String::as_str),
                    v => Some(v),
                };
                let dir = dir.ok_or_else(|| ArgsError("erlc: No value given to -p option".into()))?;
                front.splice(0..0, [arg[..3].to_owned(), dir.to_owned()]);
            }
            _ => rest.push(arg.clone()),
        }
    }
    front.append(&mut rest);
    Ok(front)
}

/// The arguments of `erl` for `escript` with these arguments, and the script's name.
///
/// A script's second or third line may hold more of them, behind `%%!`.
pub fn escript(args: &[String]) -> Result<(Vec<String>, String), ArgsError> {
    let options = args.iter().take_while(|a| a.starts_with('-')).count();
    let Some(script) = args.get(options) else { return Err(ArgsError("escript: Missing filename".into())) };
    let file = std::fs::File::open(script).map_err(|_| ArgsError(format!("escript: Failed to open file: {script}")))?;
    let mut out: Vec<String> = ["+B", "-boot", "no_dot_erlang", "-noshell"].iter().map(|s| s.to_string()).collect();
    let mut lines = BufReader::new(file).split(b'\n').skip(1).take(2).map_while(Result::ok);
    if let Some(line) = lines.find(|l| l.starts_with(b"%%!")) {
        out.extend(String::from_utf8_lossy(&line[3..]).split(' ').filter(|w| !w.is_empty()).map(str::to_owned));
    }
    out.extend(["-run", "escript", "start"].map(str::to_owned));
    out.extend(args[..options].iter().map(|o| o[1..].to_owned()));
    out.push("-extra".into());
    out.extend_from_slice(&args[options..]);
    Ok((out, script.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erlc_puts_code_paths_in_front() {
        let args = |s: &str| s.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            erlc(&args("-pa x -o out +debug_info a.erl")).unwrap().join(" "),
            "-pa x +S1 +sbtu +A0 -noinput -mode minimal -boot no_dot_erlang -s erl_compile compile_cmdline -extra -o out \
             +debug_info a.erl"
        );
        assert!(erlc(&args("-pa")).is_err());
    }

    #[test]
    fn an_escript_brings_its_own_flags() {
        let file = std::env::temp_dir().join(format!("purlin-escript-{}", std::process::id()));
        std::fs::write(&file, "#!/usr/bin/env escript\n%% -*- erlang -*-\n%%! -sname x  +A1\nmain(_) -> ok.\n")
            .unwrap();
        let name = file.display().to_string();
        let (args, script) = escript(&["-c".into(), name.clone(), "-a".into()]).unwrap();
        std::fs::remove_file(&file).unwrap();
        let expected = "+B -boot no_dot_erlang -noshell -sname x +A1 -run escript start c -extra";
        assert_eq!(args.join(" "), format!("{expected} {name} -a"));
        assert_eq!(script, name);
    }
}
