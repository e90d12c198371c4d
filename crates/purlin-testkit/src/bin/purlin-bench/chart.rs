//! Draws the ratios of a table of benchmarks as bars from the line where both engines take the same.

use std::fmt::Write as _;
use std::path::Path;

/// The benchmarks by what they are about, as the chart shows them.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Starting", &["start_eval", "start_script"]),
    (
        "Processes and messages",
        &[
            "fan_in",
            "fan_out",
            "genserver_call",
            "idle_processes",
            "link_tree",
            "message_binary",
            "message_copy",
            "ping_pong",
            "receive_ref",
            "receive_tagged",
            "ring",
            "sockets",
            "spawn_exit",
            "spawn_monitor",
            "timers_cancel",
            "timers_fire",
        ],
    ),
    ("Computing", &["big_integers", "deep_recursion", "exceptions", "fib", "floats", "parallel_sum", "queens", "tak"]),
    (
        "Lists, maps, binaries",
        &[
            "binary_build",
            "binary_parse",
            "closures",
            "collection",
            "enum_pipeline",
            "external_terms",
            "json_like",
            "list_sort",
            "lists_bifs",
            "map_large",
            "map_small",
            "regex",
            "stream_pipeline",
            "strings",
        ],
    ),
    ("Tables", &["ets_ordered", "ets_set", "ets_shared"]),
    ("Compilers and whole programs", &["compile_project", "eex", "evaluate", "format_code", "programs", "tokenize"]),
];

/// What the chart shows of one benchmark.
struct Bar {
    name: String,
    /// One for each of the table's columns of ratios.
    ratios: Vec<f64>,
}

struct Table {
    /// What stands above the table.
    title: String,
    /// The columns of ratios.
    columns: Vec<String>,
    bars: Vec<Bar>,
}

/// Draws the first table of benchmarks in `tables`, a text in Markdown.
pub fn write(tables: &Path, drawing: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(tables).map_err(|e| format!("{}: {e}", tables.display()))?;
    let table = read(&text).ok_or_else(|| format!("{}: no table of benchmarks", tables.display()))?;
    std::fs::write(drawing, draw(&table)).map_err(|e| format!("{}: {e}", drawing.display()))
}

fn read(text: &str) -> Option<Table> {
    let cells = |line: &str| -> Vec<String> {
        line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let mut title = String::new();
    let mut lines = text.lines();
    let header = loop {
        let line = lines.next()?;
        if line.starts_with("| benchmark |") {
            break cells(line);
        }
        if !line.trim().is_empty() {
            title = line.trim_end_matches(':').to_owned();
        }
    };
    let ratios: Vec<usize> = (0..header.len()).filter(|&i| header[i].ends_with("ratio")).collect();
    let bar = |line: &str| {
        let cells = cells(line);
        let ratios = ratios.iter().map(|&i| cells.get(i)?.parse().ok()).collect::<Option<_>>()?;
        Some(Bar { name: cells[0].clone(), ratios })
    };
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    let bars: Vec<Bar> = rows.map(bar).collect::<Option<_>>()?;
    let columns = ratios.iter().map(|&i| header[i].clone()).collect::<Vec<_>>();
    (!bars.is_empty() && !columns.is_empty()).then_some(Table { title, columns, bars })
}

const WIDTH: f64 = 860.0;
/// Where bars may be, from left to right.
const LEFT: f64 = 170.0;
const RIGHT: f64 = WIDTH - 60.0;
const TOP: f64 = 74.0;
const ROW: f64 = 17.0;
const GROUP: f64 = 30.0;

/// Where ratios stand: the same way for a half as for the double.
struct Scale {
    least: i32,
    most: i32,
}

impl Scale {
    /// From one power of two to another, with all ratios in between.
    fn of(bars: &[Bar]) -> Scale {
        let powers = || bars.iter().flat_map(|bar| &bar.ratios).map(|ratio| ratio.log2());
        let least = powers().fold(-1.0, f64::min).floor() as i32;
        Scale { least, most: powers().fold(1.0, f64::max).ceil() as i32 }
    }

    fn at(&self, ratio: f64) -> f64 {
        LEFT + (ratio.log2() - self.least as f64) / (self.most - self.least) as f64 * (RIGHT - LEFT)
    }
}

/// The groups that the table has something of, each with its bars, the lowest ratio first.
fn groups(bars: &[Bar]) -> Vec<(&'static str, Vec<&Bar>)> {
    let known = |bar: &&Bar| GROUPS.iter().any(|(_, names)| names.contains(&bar.name.as_str()));
    let mut all: Vec<_> = GROUPS
        .iter()
        .map(|(title, names)| {
            (*title, bars.iter().filter(|bar| names.contains(&bar.name.as_str())).collect::<Vec<_>>())
        })
        .collect();
    all.push(("Others", bars.iter().filter(|bar| !known(bar)).collect()));
    all.retain(|(_, bars)| !bars.is_empty());
    for (_, bars) in &mut all {
        bars.sort_by(|a, b| a.ratios[0].total_cmp(&b.ratios[0]));
    }
    all
}

fn draw(table: &Table) -> String {
    let (scale, groups) = (Scale::of(&table.bars), groups(&table.bars));
    let height = TOP + groups.iter().map(|(_, bars)| GROUP + ROW * bars.len() as f64).sum::<f64>() + 24.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    text(&mut svg, 16.0, 24.0, "start", "font-size=\"16\" font-weight=\"bold\"", "Purlin's time over the BEAM's");
    text(&mut svg, 16.0, 42.0, "start", "fill=\"#555\"", &legend(table));
    let bottom = height - 20.0;
    for power in scale.least..=scale.most {
        let (x, is_one) = (scale.at(2f64.powi(power)), power == 0);
        let (colour, width) = if is_one { ("#222", 1.5) } else { ("#ddd", 1.0) };
        let y = TOP - 8.0;
        let _ = writeln!(svg, "<path d=\"M{x:.1} {y}V{bottom}\" stroke=\"{colour}\" stroke-width=\"{width}\"/>");
        let label = if power < 0 { format!("1/{}", 1 << -power) } else { format!("{}", 1 << power) };
        text(&mut svg, x, TOP - 12.0, "middle", "fill=\"#555\"", &label);
    }
    let mut y = TOP;
    for (title, bars) in groups {
        y += GROUP;
        text(&mut svg, 16.0, y - 8.0, "start", "font-weight=\"bold\"", title);
        for bar in bars {
            draw_bar(&mut svg, &scale, y, bar);
            y += ROW;
        }
    }
    svg + "</svg>\n"
}

fn legend(table: &Table) -> String {
    let of = |column: &str| column.trim_end_matches("ratio").trim().to_owned();
    let mut legend = format!(
        "{}{}. Left of the line Purlin takes less.",
        table.title,
        match of(&table.columns[0]) {
            release if release.is_empty() => String::new(),
            release => format!(", {release}"),
        }
    );
    for column in &table.columns[1..] {
        let _ = write!(legend, " A dot: {}.", of(column));
    }
    legend
}

fn draw_bar(svg: &mut String, scale: &Scale, y: f64, bar: &Bar) {
    let ratio = bar.ratios[0];
    let (one, end) = (scale.at(1.0), scale.at(ratio));
    let (x, width) = (one.min(end), (end - one).abs().max(0.5));
    let (colour, high) = (if ratio <= 1.0 { "#2a7f62" } else { "#c8743a" }, ROW - 4.0);
    text(svg, LEFT - 10.0, y + 10.0, "end", "", &bar.name);
    let _ = writeln!(svg, "<rect x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{high}\" fill=\"{colour}\"/>");
    for &other in &bar.ratios[1..] {
        let (x, y) = (scale.at(other), y + high / 2.0);
        let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y}\" r=\"3.5\" fill=\"#fff\" stroke=\"#222\"/>");
    }
    // Beside the bar, and beside the dots at its end.
    let all = bar.ratios.iter().copied();
    let (place, anchor) = match ratio <= 1.0 {
        true => (scale.at(all.fold(ratio, f64::min)) - 7.0, "end"),
        false => (scale.at(all.fold(ratio, f64::max)) + 7.0, "start"),
    };
    text(svg, place, y + 10.0, anchor, "font-size=\"10\" fill=\"#555\"", &format!("{ratio:.2}"));
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, more: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" {more}>{text}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: &str = "# Benchmarks\n\n1 scheduler, median of 3 runs:\n\n\
        | benchmark | Purlin µs/op | BEAM µs/op | ratio | spread | OTP 27 Purlin µs/op | OTP 27 ratio |\n|---|---:|\n\
        | fib | 0.010 | 0.006 | 1.68 | 1.67–2.07 | 3 | 0.50 |\n| own<b> | 1 | 2 | 0.50 | | | 0.51 |\n\n| x | y |\n";

    #[test]
    fn the_first_table_of_benchmarks_is_read() {
        let table = read(TABLES).unwrap();
        assert_eq!(
            (&table.title[..], &table.columns[..]),
            ("1 scheduler, median of 3 runs", &["ratio", "OTP 27 ratio"].map(str::to_owned)[..])
        );
        let bars: Vec<_> = table.bars.iter().map(|bar| (&bar.name[..], &bar.ratios[..])).collect();
        assert_eq!(bars, [("fib", &[1.68, 0.5][..]), ("own<b>", &[0.5, 0.51])]);
        assert!(read("| operation | ratio |\n|---|---|\n| a | 1.0 |").is_none());
    }

    #[test]
    fn bars_end_where_their_ratios_are() {
        let svg = draw(&read(TABLES).unwrap());
        // From 1/2 to 2, the line in the middle.
        assert!(svg.contains(&format!("<path d=\"M{:.1} ", (LEFT + RIGHT) / 2.0)));
        assert!(svg.contains(&format!("<rect x=\"{LEFT:.1}\" y=\"{}\"", TOP + 2.0 * GROUP + ROW)));
        assert!(svg.contains("own&lt;b>") && svg.contains("A dot: OTP 27.") && svg.contains(">Others<"));
    }

    #[test]
    fn the_chart_in_docs_shows_the_table_of_benchmarks() {
        let file =
            |name: &str| std::fs::read_to_string(format!("{}/../../{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let svg = draw(&read(&file("BENCHMARKS.md")).unwrap());
        assert!(svg == file("docs/bench.svg"), "`make chart` draws it anew");
    }

    #[test]
    fn each_benchmark_is_in_one_group() {
        let names: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../bench"));
        let files = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
        let programs = files.filter(|path| path.extension().is_some_and(|x| x == "exs"));
        let stems = programs.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned());
        let all: Vec<String> = stems.chain(["start_eval".to_owned(), "start_script".to_owned()]).collect();
        for name in &all {
            assert_eq!(names.iter().filter(|n| n == &name).count(), 1, "{name}");
        }
        assert_eq!(names.len(), all.len());
    }
}
