//! A program as a tree of pieces of text, so that it can be made smaller without knowing Erlang's grammar.
//!
//! What is left out or put in the place of something else may well give a program that no longer compiles: the compiler
//! says so, and such a step is not taken.

use std::fmt::Write as _;

/// What a tree may be replaced by when a program is made smaller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sort {
    /// An expression: by one inside it, or by a constant.
    Expression,
    /// A guard: by `true`.
    Guard,
    /// A pattern: by `_`.
    Pattern,
    /// A body: by one inside it.
    Body,
    /// Anything else stays.
    Other,
}

/// A piece of a program.
#[derive(Clone, Debug)]
pub struct Tree {
    sort: Sort,
    parts: Vec<Part>,
}

/// What a tree is made of.
#[derive(Clone, Debug)]
pub enum Part {
    /// Fixed text.
    Text(String),
    /// One piece, which stays.
    One(Tree),
    /// Any number of pieces, of which some may go.
    Many(Many),
}

/// Pieces of which some may go.
#[derive(Clone, Debug)]
pub struct Many {
    items: Vec<Tree>,
    /// What stands between two items, or behind each.
    mark: &'static str,
    /// The mark stands behind the last item, too.
    ends: bool,
    least: usize,
}

/// One piece, which stays.
pub fn one(tree: Tree) -> Part {
    Part::One(tree)
}

/// Pieces with a mark between them, of which at least so many stay.
pub fn many(items: Vec<Tree>, mark: &'static str, least: usize) -> Part {
    Part::Many(Many { items, mark, ends: false, least })
}

/// Pieces each of which ends with the mark; all may go.
pub fn each(items: Vec<Tree>, mark: &'static str) -> Part {
    Part::Many(Many { items, mark, ends: true, least: 0 })
}

/// A tree whose parts stand where `template` has `~`.
pub fn tree(sort: Sort, template: &str, parts: Vec<Part>) -> Tree {
    let mut all = Vec::with_capacity(2 * parts.len() + 1);
    let mut texts = template.split('~');
    let text = |text: Option<&str>| text.filter(|t| !t.is_empty()).map(|t| Part::Text(t.to_owned()));
    all.extend(text(texts.next()));
    for part in parts {
        all.push(part);
        let behind = texts.next();
        assert!(behind.is_some(), "a place for each part of {template}");
        all.extend(text(behind));
    }
    assert!(texts.next().is_none(), "a part for each place of {template}");
    Tree { sort, parts: all }
}

/// An expression.
pub fn expression(template: &str, parts: Vec<Part>) -> Tree {
    tree(Sort::Expression, template, parts)
}

/// A piece of text that stays as it is.
pub fn fixed(text: impl Into<String>) -> Tree {
    Tree { sort: Sort::Other, parts: vec![Part::Text(text.into())] }
}

/// A variable or constant: an expression without parts.
pub fn leaf(text: impl Into<String>) -> Tree {
    Tree { sort: Sort::Expression, parts: vec![Part::Text(text.into())] }
}

const CONSTANTS: [&str; 4] = ["0", "ok", "[]", "<<>>"];

impl Tree {
    /// The program's text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        for part in &self.parts {
            match part {
                Part::Text(t) => text.push_str(t),
                Part::One(tree) => tree.write(text),
                Part::Many(many) => {
                    for (i, item) in many.items.iter().enumerate() {
                        item.write(text);
                        if many.ends || i + 1 < many.items.len() {
                            let _ = text.write_str(many.mark);
                        }
                    }
                }
            }
        }
    }

    fn children(&self) -> impl Iterator<Item = &Tree> {
        self.parts.iter().flat_map(|part| match part {
            Part::Text(_) => &[][..],
            Part::One(tree) => std::slice::from_ref(tree),
            Part::Many(many) => &many.items,
        })
    }

    fn children_mut(&mut self) -> impl Iterator<Item = &mut Tree> {
        self.parts.iter_mut().flat_map(|part| match part {
            Part::Text(_) => &mut [][..],
            Part::One(tree) => std::slice::from_mut(tree),
            Part::Many(many) => &mut many.items,
        })
    }

    /// How many pieces the tree has, itself among them.
    pub fn size(&self) -> usize {
        1 + self.children().map(Tree::size).sum::<usize>()
    }

    /// Piece number `at`, counted from the root, which is 0, each before its parts.
    fn at(&self, at: usize) -> Option<&Tree> {
        if at == 0 {
            return Some(self);
        }
        let mut left = at - 1;
        for child in self.children() {
            let size = child.size();
            if left < size {
                return child.at(left);
            }
            left -= size;
        }
        None
    }

    fn at_mut(&mut self, at: usize) -> Option<&mut Tree> {
        if at == 0 {
            return Some(self);
        }
        let mut left = at - 1;
        for child in self.children_mut() {
            let size = child.size();
            if left < size {
                return child.at_mut(left);
            }
            left -= size;
        }
        None
    }

    /// The trees that are smaller by one step at piece number `at`, those that leave out most first.
    pub fn smaller(&self, at: usize) -> Vec<Tree> {
        let Some(piece) = self.at(at) else { return Vec::new() };
        let mut all = Vec::new();
        let mut with = |new: Tree| {
            let mut root = self.clone();
            if let Some(place) = root.at_mut(at) {
                *place = new;
                all.push(root);
            }
        };
        for replacement in piece.replacements() {
            with(replacement);
        }
        for (i, part) in piece.parts.iter().enumerate() {
            let Part::Many(many) = part else { continue };
            for left in many.fewer() {
                let mut new = piece.clone();
                new.parts[i] = Part::Many(left);
                with(new);
            }
        }
        all
    }

    fn replacements(&self) -> Vec<Tree> {
        let text = |text: &str| Tree { sort: self.sort, parts: vec![Part::Text(text.to_owned())] };
        let is_text = matches!(self.parts[..], [Part::Text(_)]);
        let constants: &[&str] = match self.sort {
            Sort::Other | Sort::Body => &[],
            Sort::Guard => &["true"],
            Sort::Pattern => &["_"],
            Sort::Expression if is_text => match self.text().starts_with(char::is_uppercase) {
                true => &CONSTANTS[..1],
                false => &[],
            },
            Sort::Expression => &CONSTANTS,
        };
        let own = if is_text { self.text() } else { String::new() };
        let mut all: Vec<Tree> = constants.iter().filter(|t| **t != own).map(|t| text(t)).collect();
        if matches!(self.sort, Sort::Expression | Sort::Body) {
            let mut inside = Vec::new();
            self.nearest(self.sort, &mut inside);
            all.extend(inside.into_iter().cloned());
        }
        all
    }

    /// The pieces of this sort inside that stand in no other one of it.
    fn nearest<'a>(&'a self, sort: Sort, found: &mut Vec<&'a Tree>) {
        for child in self.children() {
            match child.sort == sort {
                true => found.push(child),
                false => child.nearest(sort, found),
            }
        }
    }
}

impl Many {
    /// With a half, a quarter, ... of the items left out, those at the end first.
    fn fewer(&self) -> Vec<Many> {
        let mut all = Vec::new();
        let mut count = self.items.len().saturating_sub(self.least);
        while count > 0 {
            let mut end = self.items.len();
            while end >= count {
                let mut left = self.clone();
                left.items.drain(end - count..end);
                all.push(left);
                end -= count;
            }
            count /= 2;
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum() -> Tree {
        expression("f(~) + ~", vec![many(vec![leaf("A"), leaf("B"), leaf("C")], ", ", 1), one(leaf("D"))])
    }

    #[test]
    fn parts_stand_where_the_template_has_places() {
        assert_eq!(sum().text(), "f(A, B, C) + D");
        assert_eq!(tree(Sort::Body, "~x", vec![each(vec![leaf("a"), leaf("b")], ",\n")]).text(), "a,\nb,\nx");
    }

    #[test]
    fn each_step_leaves_out_or_replaces_something() {
        let steps: Vec<String> = sum().smaller(0).iter().map(Tree::text).collect();
        let expected =
            ["0", "ok", "[]", "<<>>", "A", "B", "C", "D", "f(A) + D", "f(A, B) + D", "f(A, C) + D", "f(B, C) + D"];
        assert_eq!(steps, expected);
        let steps: Vec<String> = sum().smaller(1).iter().map(Tree::text).collect();
        assert_eq!(steps, ["f(0, B, C) + D"]);
        assert!(leaf("0").smaller(0).is_empty() && sum().smaller(9).is_empty());
    }
}
