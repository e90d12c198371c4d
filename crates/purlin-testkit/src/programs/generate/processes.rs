//! Messages to itself, and other processes that answer or end.

use super::super::tree::{Sort, Tree, each, expression, leaf, many, one, tree};
use super::{Generator, Type};

impl Generator {
    /// Messages that a process sends itself, and some received by patterns.
    pub(super) fn own_messages(&mut self, kind: Type, depth: u32) -> Tree {
        let count = 1 + self.below(3);
        let sent: Vec<Tree> = (0..count)
            .map(|_| {
                let tag = self.pick(&["m", "n", "1", "2"]);
                let value = self.expression(Type::Any, depth.saturating_sub(1));
                tree(Sort::Other, &format!("self() ! {{{tag}, c(~)}}"), vec![one(value)])
            })
            .collect();
        let received = self.scoped(|g| {
            let clauses = 1 + g.below(2);
            let clauses = (0..clauses)
                .map(|_| {
                    g.scoped(|g| {
                        let tag = g.pick(&["m", "n", "1", "2"]);
                        let payload = g.kind();
                        let pattern = g.pattern(payload, 1);
                        let when = g.when(4);
                        let body = g.body(kind, depth.saturating_sub(1));
                        tree(Sort::Other, &format!("{{{tag}, ~}}~ -> ~"), vec![one(pattern), one(when), one(body)])
                    })
                })
                .collect();
            many(clauses, ";\n        ", 1)
        });
        let after = self.pick(&["0", "0", "0", "1"]);
        let late = self.expression(kind, 0);
        expression(
            &format!("begin ~receive\n        ~\n    after {after} -> ~ end end"),
            vec![each(sent, ", "), received, one(late)],
        )
    }

    /// What another process gives, or how it ends.
    pub(super) fn other_process(&mut self, depth: u32) -> Tree {
        let (message, reply, down, monitor, pid) = (self.name(), self.name(), self.name(), self.name(), self.name());
        let sent = self.expression(Type::Any, 0);
        let work = self.scoped(|g| {
            g.scope.push(super::Variable { name: message.clone(), kind: Type::Any });
            g.body(Type::Any, depth.saturating_sub(1))
        });
        let how = self.pick(&[
            "exit({reply, begin ~ end})",
            "exit({reply, begin ~ end})",
            "exit(begin ~ end)",
            "throw(begin ~ end)",
        ]);
        let work = expression(how, vec![one(work)]);
        expression(
            &format!(
                "begin\n    {{{pid}, {monitor}}} = spawn_monitor(fun() -> receive {{go, {message}}} -> ~ end end),\n    \
                 {pid} ! {{go, c(~)}},\n    receive\n        {{'DOWN', {monitor}, process, _, {{reply, {reply}}}}} -> \
                 {reply};\n        {{'DOWN', {monitor}, process, _, {down}}} -> {{down, {down}}}\n    end end"
            ),
            vec![one(work), one(sent)],
        )
    }

    /// The process dictionary.
    pub(super) fn dictionary(&mut self, depth: u32) -> Tree {
        let key = self.pick(&["k", "j", "1"]);
        match self.below(4) {
            0 => leaf(format!("get({key})")),
            1 => leaf(format!("erase({key})")),
            _ => {
                let value = self.expression(Type::Any, depth.saturating_sub(1));
                expression(&format!("put({key}, c(~))"), vec![one(value)])
            }
        }
    }
}
