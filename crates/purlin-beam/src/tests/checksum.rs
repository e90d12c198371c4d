use md5::{Digest, Md5};

use super::installed::{asked_of_erl, corpus};
use crate::BeamFile;

fn checksum(file: &BeamFile) -> String {
    let mut hash = Md5::new();
    file.checksum_parts().for_each(|part| hash.update(part));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What `beam_lib` and the emulator's loader say of a file. Some are compressed, which the loader leaves to its callers.
const ASK: &str = r#"fun(File) ->
    {ok, Beam} = file:read_file(File),
    {ok, {_, Lib}} = beam_lib:md5(Beam),
    Plain = try zlib:gunzip(Beam) catch error:data_error -> Beam end,
    Loader = erts_internal:beamfile_module_md5(Plain),
    [io_lib:format("~32.16.0b ", [N]) || <<N:128>> <- [Lib, Loader]]
end"#;

#[test]
fn checksum_is_that_of_beam_lib_and_of_the_loader() {
    for (path, answer) in asked_of_erl(&corpus(), ASK) {
        let file = BeamFile::from_vec(std::fs::read(&path).unwrap()).unwrap();
        let ours = checksum(&file);
        assert_eq!(format!("{ours} {ours}"), answer, "{}", path.display());
    }
}
