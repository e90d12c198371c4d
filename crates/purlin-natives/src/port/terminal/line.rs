//! The line under edit on a terminal: what the shell's drawing commands (put, move, insert, delete) write to it.
//!
//! The cursor is always where `pos` says, also over lines that wrap at the window's edge.

/// The commands, as `user_drv` numbers them.
const PUTC: u8 = 0;
const MOVE: u8 = 1;
const INSC: u8 = 2;
const DELC: u8 = 3;
const BEEP: u8 = 4;
/// As [`PUTC`], and answered.
pub const PUTC_SYNC: u8 = 5;

/// One logical character of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Char(char),
    /// The start of a colour sequence, which takes no column.
    Escape,
    /// A tabulator and its width in columns.
    Tab(u8),
    /// A control character, shown as `^X`.
    Control(u8),
    /// A character that the terminal's encoding lacks, shown by its number.
    Lacking(char),
}

/// A line and the cursor in it.
#[derive(Debug)]
pub struct Line {
    cells: Vec<Cell>,
    pos: usize,
    columns: usize,
    unicode: bool,
    out: Vec<u8>,
}

/// A line as long as this is ended, so that it cannot grow for ever.
const LONGEST: usize = 1 << 16;

impl Line {
    pub fn new() -> Line {
        Line { cells: Vec::new(), pos: 0, columns: 80, unicode: true, out: Vec::new() }
    }

    /// Carries out a command; what to write to a terminal with so many columns.
    pub fn command(&mut self, command: &[u8], columns: usize, unicode: bool) -> Vec<u8> {
        (self.columns, self.unicode) = (columns.max(1), unicode);
        if self.pos > LONGEST {
            self.put("\n");
        }
        let Some((&operation, data)) = command.split_first() else { return Vec::new() };
        let number = || data.first_chunk().map_or(0, |&b| i16::from_be_bytes(b) as isize);
        match operation {
            PUTC | PUTC_SYNC => self.put(&String::from_utf8_lossy(data)),
            MOVE => self.step(number()),
            INSC => self.insert(&String::from_utf8_lossy(data)),
            DELC => self.delete(number()),
            BEEP => self.out.push(7),
            _ => {}
        }
        std::mem::take(&mut self.out)
    }

    /// Writes over what is at the cursor.
    fn put(&mut self, text: &str) {
        let mut start = self.pos;
        for c in text.chars() {
            if c == '\n' || c == '\r' {
                self.write(start, self.pos, false);
                self.out.extend_from_slice(if c == '\n' { b"\r\n" } else { b"\r" });
                self.cells.drain(..self.pos);
                (self.pos, start) = (0, 0);
                continue;
            }
            let cell = self.cell(c, self.pos);
            match self.cells.get_mut(self.pos) {
                Some(old) => *old = cell,
                None => self.cells.push(cell),
            }
            self.pos += 1;
        }
        self.write(start, self.pos, true);
    }

    /// Writes in front of what is at the cursor.
    fn insert(&mut self, text: &str) {
        let tail = self.cells.split_off(self.pos);
        self.put(text);
        let at = self.pos;
        self.cells.extend(tail);
        self.write(at, self.cells.len(), true);
        self.travel(self.column(self.cells.len()), self.column(at));
    }

    /// Removes characters behind the cursor, or with a negative number before it.
    fn delete(&mut self, n: isize) {
        let end = self.cells.len();
        let to = self.pos.saturating_add_signed(n).min(end);
        let (first, last) = (self.pos.min(to), self.pos.max(to));
        let gone = self.column(last) - self.column(first);
        self.travel(self.column(self.pos), self.column(first));
        self.cells.drain(first..last);
        self.pos = first;
        self.write(first, self.cells.len(), false);
        let end = self.column(self.cells.len()) + gone;
        self.out.extend(std::iter::repeat_n(b' ', gone));
        if gone > 0 && end.is_multiple_of(self.columns) {
            self.out.extend_from_slice(b" \x08");
        }
        self.travel(end, self.column(first));
    }

    fn step(&mut self, n: isize) {
        let to = self.pos.saturating_add_signed(n).min(self.cells.len());
        self.travel(self.column(self.pos), self.column(to));
        self.pos = to;
    }

    fn cell(&self, c: char, at: usize) -> Cell {
        match c {
            '\t' => Cell::Tab(8 - (self.column(at) % 8) as u8),
            '\x1b' => Cell::Escape,
            '\x7f' => Cell::Control(b'?'),
            c if (c as u32) < 32 => Cell::Control(c as u8 | 0x40),
            c if self.unicode || (c as u32) < 256 => Cell::Char(c),
            c => Cell::Lacking(c),
        }
    }

    /// Writes some cells from the cursor on.
    fn write(&mut self, from: usize, to: usize, wrap: bool) {
        for i in from..to {
            self.write_cell(self.cells[i]);
        }
        // After the last column terminals wait for one more character before they go to the next line.
        if wrap && to > from && self.column(to).is_multiple_of(self.columns) {
            match self.cells.get(to) {
                Some(&Cell::Char(c)) if width(c) == 1 => self.write_cell(Cell::Char(c)),
                _ => self.out.push(b' '),
            }
            self.out.push(8);
        }
    }

    fn write_cell(&mut self, cell: Cell) {
        match cell {
            Cell::Char(c) if self.unicode => self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Cell::Char(c) => self.out.push(c as u8),
            Cell::Escape => self.out.push(0x1b),
            Cell::Tab(n) => self.out.extend(std::iter::repeat_n(b' ', n as usize)),
            Cell::Control(b) => self.out.extend_from_slice(&[b'^', b]),
            Cell::Lacking(c) => self.out.extend_from_slice(lacking(c).as_bytes()),
        }
    }

    /// Moves the terminal's cursor between two columns of the line as if it did not wrap.
    fn travel(&mut self, from: usize, to: usize) {
        let (row, row2) = (from / self.columns, to / self.columns);
        let (column, column2) = (from % self.columns, to % self.columns);
        let mut repeat = |text: &[u8], n: usize| (0..n).for_each(|_| self.out.extend_from_slice(text));
        repeat(b"\n", row2.saturating_sub(row));
        repeat(b"\x1b[A", row.saturating_sub(row2));
        repeat(b"\x1b[C", column2.saturating_sub(column));
        repeat(b"\x08", column.saturating_sub(column2));
    }

    /// How many columns the cells before `pos` take.
    fn column(&self, pos: usize) -> usize {
        let (mut i, mut column) = (0, 0);
        while i < pos.min(self.cells.len()) {
            match self.cells[i] {
                Cell::Escape => {
                    i += self.escape_length(i);
                    continue;
                }
                Cell::Char(c) => column += width(c),
                Cell::Tab(n) => column += n as usize,
                Cell::Control(_) => column += 2,
                Cell::Lacking(c) => column += lacking(c).len(),
            }
            i += 1;
        }
        column
    }

    /// How many cells the colour sequence at `at` takes.
    fn escape_length(&self, at: usize) -> usize {
        let rest = &self.cells[at + 1..];
        match rest.first() {
            None => 1,
            Some(Cell::Char('[')) => {
                let inner = rest[1..].iter();
                let n = inner.take_while(|c| matches!(c, Cell::Char(';' | '0'..='9'))).count();
                n + 3
            }
            Some(_) => 2,
        }
    }
}

fn lacking(c: char) -> String {
    if (c as u32) < 512 { format!("\\{:03o}", c as u32) } else { format!("\\x{{{:X}}}", c as u32) }
}

/// The columns that a character takes.
fn width(c: char) -> usize {
    match c as u32 {
        0..0x300 => 1,
        0x300..=0x36F | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x200B..=0x200F | 0x20D0..=0x20FF | 0xFE00..=0xFE0F => 0,
        0x1100..=0x115F
        | 0x2E80..=0x303E
        | 0x3041..=0xA4CF
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F
        | 0xFF01..=0xFF60
        | 0xFFE0..=0xFFE6
        | 0x1F300..=0x1F64F
        | 0x1F680..=0x1F6FF
        | 0x1F900..=0x1F9FF
        | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(columns: usize, commands: &[&[u8]], written: &str) {
        let mut line = Line::new();
        let out: Vec<u8> = commands.iter().flat_map(|c| line.command(c, columns, true)).collect();
        assert_eq!(String::from_utf8_lossy(&out), written, "{commands:?}");
    }

    #[test]
    fn commands_draw_what_they_change() {
        check(80, &[b"\0ab\n"], "ab\r\n");
        check(80, &[b"\0ab", b"\x01\xff\xff", b"\x02x"], "ab\x08xb\x08");
        check(80, &[b"\0abc", b"\x03\xff\xfe"], "abc\x08\x08  \x08\x08");
        check(80, &[b"\0abc", b"\x01\xff\xfd", b"\x03\x00\x01"], "abc\x08\x08\x08bc \x08\x08\x08");
        check(80, &["\u{0}日本".as_bytes(), b"\x01\xff\xff"], "日本\x08\x08");
        check(80, &[b"\0\x1b[33ma\x1b[0m", b"\x02\x01", b"\x04"], "\x1b[33ma\x1b[0m^A\x07");
        check(80, &[b"\x09", b"", b"\x03\x7f\xff", b"\x01"], "");
    }

    #[test]
    fn the_cursor_follows_a_line_that_wraps() {
        check(4, &[b"\0abcd"], "abcd \x08");
        check(4, &[b"\0abcdef", b"\x01\xff\xfc"], "abcdef\x1b[A");
        check(4, &[b"\0abcde", b"\x03\xff\xff"], "abcde\x08 \x08");
    }
}
