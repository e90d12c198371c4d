//! The real emulator as a judge: one long-lived `erl` that evaluates calls.

use std::io::{self, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use purlin_term::{Heap, Term};

use crate::wire;

/// Reads lists of `{Module, Function, Args}`, answers with a list of `{ok, Value}` or `{Class, Reason}` each.
///
/// Module `purlin_oracle` stands for what no library function says: the sign of a result, the order of an iterator,
/// what damaged bytes are read as, a call's value or its error, the emulator's own text for a term (without the numbers
/// that stand for nodes). What the emulator prints goes nowhere: answers leave by descriptor 3.
const LOOP: &str = "
    process_flag(trap_exit, true),
    Port = open_port({fd,0,3}, [{packet,4}, binary]),
    Iterate = fun Iterate({K,V,Next}) -> {K,V,Iterate(maps:next(Next))};
                  Iterate(none) -> none
              end,
    Text = fun(T) ->
        [_|Reversed] = lists:reverse(erts_debug:display(T)),
        re:replace(lists:reverse(Reversed), \"<[0-9]+\\\\.\", \"<_.\", [global, {return,list}])
    end,
    Apply = fun(purlin_oracle, sign, [M,F,A]) ->
                   X = apply(M, F, A), if X < 0 -> -1; X > 0 -> 1; true -> 0 end;
               (purlin_oracle, reread, [Bytes]) ->
                   try binary_to_term(Bytes, [used]) of
                       {T, Used} -> {ok, term_to_binary(T, [deterministic]), Used}
                   catch Class:Reason -> {Class, Reason} end;
               (purlin_oracle, iterate, [Map]) -> Iterate(maps:next(maps:iterator(Map)));
               (purlin_oracle, attempt, [M,F,A]) ->
                   try {ok, apply(M, F, A)} catch error:R -> {error, R} end;
               (purlin_oracle, text, [T]) -> Text(T);
               (erts_internal, F, A) -> erlang:yield(), apply(erts_internal, F, A);
               (M, F, A) -> apply(M, F, A)
            end,
    Call = fun({M,F,A}) ->
        try {ok, Apply(M, F, A)} catch Class:Reason -> {Class, Reason} end
    end,
    Loop = fun Loop() ->
        receive
            {Port, {data, Bytes}} ->
                Port ! {self(), {command, term_to_binary(lists:map(Call, binary_to_term(Bytes)))}},
                Loop();
            {'EXIT', Port, _} -> halt()
        end
    end,
    Loop().";

/// A running `erl`; it ends when this is dropped.
pub struct Oracle {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// What a call gave: its value, or class and reason of its exception.
pub type Answer = Result<Term, (Term, Term)>;

impl Oracle {
    /// Starts `erl`; `None` if this machine has none.
    pub fn start() -> Option<Oracle> {
        let found = Command::new("erl").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !found.is_ok_and(|status| status.success()) {
            return None;
        }
        let mut child = Command::new("sh")
            .args(["-c", "exec erl \"$@\" 3>&1 1>/dev/null", "sh"])
            .args(["-noinput", "-boot", "start_clean", "+S", "1", "-eval", LOOP])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let (requests, answers) = (child.stdin.take(), child.stdout.take()?);
        Some(Oracle { child, requests, answers: BufReader::new(answers) })
    }

    /// Evaluates calls in order, all in one exchange.
    pub fn calls(&mut self, heap: &mut Heap, calls: &[(&str, &str, Vec<Term>)]) -> Vec<Answer> {
        let calls: Vec<Term> = calls
            .iter()
            .map(|(module, function, args)| {
                let args = heap.list(args);
                let atom = |text: &str| Term::atom(purlin_term::Atom::new(text));
                heap.tuple(&[atom(module), atom(function), args])
            })
            .collect();
        let request = heap.list(&calls);
        let bytes = self.exchange(&wire::encode(request)).expect("the oracle answers");
        let answers = wire::decode(heap, &bytes);
        answers
            .iter()
            .map(|answer| match answer.as_tuple() {
                Some(&[tag, value]) if tag.is(purlin_term::Atom::OK) => Ok(value),
                Some(&[class, reason]) => Err((class, reason)),
                _ => panic!("the oracle answers each call"),
            })
            .collect()
    }

    /// Evaluates one call.
    pub fn call(&mut self, heap: &mut Heap, module: &str, function: &str, args: &[Term]) -> Answer {
        self.calls(heap, &[(module, function, args.to_vec())]).remove(0)
    }

    fn exchange(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        let to = self.requests.as_mut().expect("open until dropped");
        to.write_all(&(request.len() as u32).to_be_bytes())?;
        to.write_all(request)?;
        to.flush()?;
        let mut length = [0; 4];
        self.answers.read_exact(&mut length)?;
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        self.answers.read_exact(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // The end of its input is what `erl` waits for.
        drop(self.requests.take());
        if self.child.wait().is_err() {
            let _ = self.child.kill();
        }
    }
}
