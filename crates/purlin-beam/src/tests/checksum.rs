use std::path::PathBuf;
use std::process::Command;

use md5::{Digest, Md5};

use super::installed::corpus;
use crate::BeamFile;

fn checksum(file: &BeamFile) -> String {
    let mut hash = Md5::new();
    file.checksum_parts().for_each(|part| hash.update(part));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What `beam_lib` and the emulator's loader say of each file, one a line.
fn asked_of_erl(files: &[PathBuf]) -> Option<Vec<(String, String)>> {
    const ASK: &str = r#"
        {ok, List} = file:read_file(os:getenv("FILES")),
        Hex = fun(<<N:128>>) -> io_lib:format("~32.16.0b", [N]) end,
        [begin
            {ok, Beam} = file:read_file(File),
            {ok, {_, Lib}} = beam_lib:md5(Beam),
            Loader = erts_internal:beamfile_module_md5(Beam),
            io:format("~s ~s~n", [Hex(Lib), Hex(Loader)])
        end || File <- binary:split(List, <<"\n">>, [global, trim_all])],
        halt(0)."#;
    let list = std::env::temp_dir().join(format!("purlin-md5-{}", std::process::id()));
    let paths: Vec<_> = files.iter().map(|path| path.to_string_lossy()).collect();
    std::fs::write(&list, paths.join("\n")).unwrap();
    let output = Command::new("erl")
        .args(["-noshell", "-eval", ASK])
        .env("FILES", &list)
        .output();
    std::fs::remove_file(&list).unwrap();
    let text = String::from_utf8(output.ok()?.stdout).unwrap();
    let pair = |line: &str| line.split_once(' ').map(|(a, b)| (a.into(), b.into()));
    Some(text.lines().filter_map(pair).collect())
}

#[test]
fn checksum_is_that_of_beam_lib_and_of_the_loader() {
    let files = corpus();
    let Some(expected) = asked_of_erl(&files) else {
        eprintln!("skipped: no erl to compare with");
        return;
    };
    assert_eq!(expected.len(), files.len());
    for (path, (lib, loader)) in files.iter().zip(expected) {
        let file = BeamFile::from_vec(std::fs::read(path).unwrap()).unwrap();
        let ours = checksum(&file);
        assert_eq!((&ours, &ours), (&lib, &loader), "{}", path.display());
    }
}
