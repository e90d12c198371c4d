//! Prints the listing of one `.beam` file, or with `--time` how long reading
//! the given files takes.

use std::time::Instant;

use purlin_beam::{BeamFile, Instruction, disassemble};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut paths: Vec<String> = std::env::args().skip(1).collect();
    if paths.first().is_some_and(|first| first == "--time") {
        paths.remove(0);
        return time(&paths);
    }
    for path in paths {
        print!("{}", disassemble(&BeamFile::from_vec(std::fs::read(path)?)?)?);
    }
    Ok(())
}

fn time(paths: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let contents: Vec<Vec<u8>> = paths.iter().map(std::fs::read).collect::<Result<_, _>>()?;
    let start = Instant::now();
    let files: Vec<BeamFile> = contents.into_iter().map(BeamFile::from_vec).collect::<Result<_, _>>()?;
    let parsed = start.elapsed();
    let (start, mut count) = (Instant::now(), 0);
    for file in &files {
        count += file.code().index()?.instructions;
    }
    let indexed = start.elapsed();
    let (start, mut into, mut operands) = (Instant::now(), Instruction::new(), 0);
    for file in &files {
        let mut decoder = file.code().decoder();
        while decoder.next(&mut into)? {
            operands += into.args().len() + into.list().len();
        }
    }
    let decoded = start.elapsed();
    let each = |time: std::time::Duration| time.as_nanos() as f64 / count as f64;
    println!("{} files, {count} instructions, {operands} operands", files.len());
    println!("parse {parsed:?}, index {indexed:?}, decode {decoded:?}");
    println!("per instruction: index {:.1} ns, decode {:.1} ns", each(indexed), each(decoded));
    Ok(())
}
