use super::caller::{Caller, Differences, parse, show};
use purlin_term::{Heap, Term};
use purlin_testkit::mutate::Random;
use purlin_testkit::oracle::{Answer, Oracle};

/// Natives whose results depend on nothing but their arguments, by module, with their arities.
const CALLS: &[(&str, &[(&str, &[u8])])] = &[
    (
        "erlang",
        &[
            ("is_atom", &[1]),
            ("is_boolean", &[1]),
            ("is_list", &[1]),
            ("is_tuple", &[1]),
            ("is_map", &[1]),
            ("is_float", &[1]),
            ("is_integer", &[1]),
            ("is_number", &[1]),
            ("is_pid", &[1]),
            ("is_port", &[1]),
            ("is_reference", &[1]),
            ("is_binary", &[1]),
            ("is_bitstring", &[1]),
            ("is_function", &[1, 2]),
            ("is_record", &[2, 3]),
            ("hd", &[1]),
            ("tl", &[1]),
            ("length", &[1]),
            ("element", &[2]),
            ("tuple_size", &[1]),
            ("size", &[1]),
            ("bit_size", &[1]),
            ("byte_size", &[1]),
            ("binary_part", &[2, 3]),
            ("map_size", &[1]),
            ("map_get", &[2]),
            ("is_map_key", &[2]),
            ("==", &[2]),
            ("/=", &[2]),
            ("=:=", &[2]),
            ("=/=", &[2]),
            ("<", &[2]),
            ("=<", &[2]),
            (">", &[2]),
            (">=", &[2]),
            ("and", &[2]),
            ("or", &[2]),
            ("xor", &[2]),
            ("not", &[1]),
            ("setelement", &[3]),
            ("make_tuple", &[2, 3]),
            ("append_element", &[2]),
            ("insert_element", &[3]),
            ("delete_element", &[2]),
            ("tuple_to_list", &[1]),
            ("list_to_tuple", &[1]),
            ("++", &[2]),
            ("--", &[2]),
            ("+", &[1, 2]),
            ("-", &[1, 2]),
            ("*", &[2]),
            ("/", &[2]),
            ("div", &[2]),
            ("rem", &[2]),
            ("band", &[2]),
            ("bor", &[2]),
            ("bxor", &[2]),
            ("bsr", &[2]),
            ("bsl", &[2]),
            ("bnot", &[1]),
            ("abs", &[1]),
            ("trunc", &[1]),
            ("round", &[1]),
            ("ceil", &[1]),
            ("floor", &[1]),
            ("float", &[1]),
            ("iolist_size", &[1]),
            ("iolist_to_binary", &[1]),
            ("list_to_binary", &[1]),
            ("list_to_bitstring", &[1]),
            ("binary_to_list", &[1, 3]),
            ("bitstring_to_list", &[1]),
            ("split_binary", &[2]),
            ("atom_to_list", &[1]),
            ("atom_to_binary", &[2]),
            ("list_to_atom", &[1]),
            ("list_to_existing_atom", &[1]),
            ("binary_to_atom", &[2]),
            ("integer_to_list", &[1, 2]),
            ("integer_to_binary", &[1, 2]),
            ("list_to_integer", &[1, 2]),
            ("binary_to_integer", &[1, 2]),
            ("float_to_list", &[1, 2]),
            ("float_to_binary", &[1, 2]),
            ("list_to_float", &[1]),
            ("binary_to_float", &[1]),
            ("crc32", &[1, 2]),
            ("crc32_combine", &[3]),
            ("adler32", &[1, 2]),
            ("adler32_combine", &[3]),
            ("md5", &[1]),
            ("md5_update", &[2]),
            ("md5_final", &[1]),
            ("phash", &[2]),
            ("phash2", &[1, 2]),
            ("term_to_binary", &[1, 2]),
            ("external_size", &[1, 2]),
            ("binary_to_term", &[1, 2]),
            ("list_to_pid", &[1]),
            ("list_to_port", &[1]),
        ],
    ),
    ("erts_internal", &[("cmp_term", &[2])]),
    ("lists", &[("member", &[2]), ("reverse", &[2]), ("keyfind", &[3]), ("keymember", &[3]), ("keysearch", &[3])]),
    (
        "maps",
        &[
            ("get", &[2]),
            ("find", &[2]),
            ("is_key", &[2]),
            ("keys", &[1]),
            ("values", &[1]),
            ("put", &[3]),
            ("update", &[3]),
            ("remove", &[2]),
            ("take", &[2]),
            ("merge", &[2]),
            ("from_list", &[1]),
            ("from_keys", &[2]),
        ],
    ),
    (
        "binary",
        &[
            ("match", &[2, 3]),
            ("matches", &[2, 3]),
            ("split", &[2, 3]),
            ("longest_common_prefix", &[1]),
            ("longest_common_suffix", &[1]),
            ("first", &[1]),
            ("last", &[1]),
            ("at", &[2]),
            ("part", &[2, 3]),
            ("copy", &[1, 2]),
            ("encode_unsigned", &[1, 2]),
            ("decode_unsigned", &[1, 2]),
            ("list_to_bin", &[1]),
        ],
    ),
    ("unicode", &[("characters_to_binary", &[2]), ("characters_to_list", &[2]), ("bin_is_7bit", &[1])]),
    ("string", &[("list_to_integer", &[1]), ("list_to_float", &[1])]),
    (
        "math",
        &[
            ("sin", &[1]),
            ("cos", &[1]),
            ("tan", &[1]),
            ("asin", &[1]),
            ("acos", &[1]),
            ("atan", &[1]),
            ("sinh", &[1]),
            ("cosh", &[1]),
            ("tanh", &[1]),
            ("asinh", &[1]),
            ("acosh", &[1]),
            ("atanh", &[1]),
            ("erf", &[1]),
            ("erfc", &[1]),
            ("exp", &[1]),
            ("log", &[1]),
            ("log2", &[1]),
            ("log10", &[1]),
            ("sqrt", &[1]),
            ("floor", &[1]),
            ("ceil", &[1]),
            ("atan2", &[2]),
            ("pow", &[2]),
            ("fmod", &[2]),
        ],
    ),
];

/// Arguments that are on one side or the other of what each native takes.
const ARGUMENTS: &str = "[0, 1, 2, 3, 5, 10, 16, 36, 37, -1, -3, 127, 128, 255, 256, 1000,
     576460752303423487, -576460752303423488, 576460752303423488, -576460752303423489,
     9223372036854775807, -9223372036854775808, 9223372036854775808, 18446744073709551616, 1180591620717411303424,
     -340282366920938463463374607431768211456, 9007199254740993, 4294967295, 4294967296,
     0.0, -0.0, 1.0, -1.5, 0.5, 2.5, 1.0e15, 1.0e22, 123456.789, 1.0e-5, 5.0e-324, 1.7976931348623157e308, 1.0e100,
     4.35, 9007199254740992.0, 1.5e-5, 36893488147419103232.0, -36893488147419103232.0,
     a, true, false, latin1, utf8, unicode, big, little, global, 'a-b', 'é', '日本', '',
     [], [a], [1, 2, 3], [3, 2, 1, 1.0, 1], [1 | 2], [a | b], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18],
     [[], [[]]], [1, [2, <<3, 4>>] | <<5>>], [<<1:3>>, 2, <<5:7>>], [<<\"abc\">>], [<<\"abd\">>, <<\"abce\">>, <<\"ab\">>],
     [<<>>], [256], [-1], [55296], [97, 8364, 128512], [97, [98, <<226, 130>>, <<172>>], 99], [<<226, 130>>, 98], [97, [55296, 98], 99],
     [1114112], [[[-1]]], [1180591620717411303424, 98],
     {}, {1}, {a, b}, {1, 2, 3}, {1, 2}, {5, -3}, {0, 0}, {b, 1.0}, [{1, a}, {2, b}, {1.0, c}], [{2, x}, {1, y} | z],
     [{a, 1}, {b}, {a, 2}, c, {c, a}], [{1, 2, 3}], [{1, q}], [{2, q}, {1, r}],
     #{}, #{a => 1}, #{1 => a, 1.0 => b, [] => c}, #{a => b, {1} => <<\"x\">>},
     <<>>, <<0>>, <<\"abc\">>, <<\"a,b,,c,\">>, <<\",\">>, <<1, 2, 3, 4, 5, 6, 7, 8, 9, 10>>, <<1:1>>, <<5:3, 7:8>>, <<255, 254>>,
     <<\"12\">>, <<\"-12x\">>, <<\"+7\">>, <<\"zz\">>, <<\"1.5\">>, <<\"1.5e3\">>, <<\"1e3\">>, <<\"-1.0e-400\">>, <<\"héé\"/utf8>>, <<226, 130>>,
     \"12\", \"-12\", \"+0x\", \"1.5\", \"1.5e10 x\", \"1.5e\", \"-.5\", \"1,5\", \"ff\", \"ZZ\", \"-\", \"a\", \"true\",
     [global], [trim], [global, trim], [global, trim_all], [trim_all], [{scope, {0, 2}}], [{scope, {1, -1}}], [global, {scope, {2, 4}}],
     [{scope, {0, 0}}], [{scope, {0, 100}}], [foo], [short], [compact], [{decimals, 2}], [{decimals, 4}, compact], [{scientific, 3}],
     [{decimals, 0}], [{decimals, 25}, compact], [{decimals, -1}], [{scientific, -1}], [{decimals, 300}], [short, {decimals, 1}],
     <<131, 97, 5>>, <<131, 97, 5, 6>>, <<131, 104, 2, 97, 1, 106>>, <<131, 100, 0, 3, 102, 111, 111>>, <<131, 107, 0, 2, 97, 98>>,
     <<131, 113, 119, 6, 101, 114, 108, 97, 110, 103, 119, 4, 115, 101, 108, 102, 97, 0>>,
     <<131, 113, 119, 6, 101, 114, 108, 97, 110, 103, 119, 4, 115, 101, 108, 102, 97, 7>>,
     <<131, 119, 3, 113, 122, 120>>, [safe], [used], [safe, used], [compressed], [deterministic], [{minor_version, 0}], [{minor_version, 2}],
     [{minor_version, 2}, deterministic], [{compressed, 9}], [{minor_version, 3}], \"<0.1.2>\", \"<0.99999.1>\", \"#Port<0.5>\"]";

/// Whether a call must be left out: it takes all memory there is on the real emulator, or it depends on the run.
fn left_out(function: &str, args: &[Term]) -> bool {
    let large = |t: Term| t.is_big() || t.as_small().is_some_and(|i| i.abs() > 100_000);
    match function {
        "copy" | "make_tuple" | "bsl" | "bsr" => args.iter().any(|&t| large(t)),
        _ => false,
    }
}

struct Pair {
    oracle: Oracle,
    ours: Caller,
    differences: Differences,
}

impl Pair {
    fn new() -> Option<Pair> {
        let oracle = Oracle::start()?;
        Some(Pair { oracle, ours: Caller::new(), differences: Differences::default() })
    }

    /// Makes all calls of one native on both systems and compares the answers.
    fn check(&mut self, module: &str, function: &str, all: Vec<Vec<Term>>) {
        let all: Vec<Vec<Term>> = all.into_iter().filter(|args| !left_out(function, args)).collect();
        for some in all.chunks(2000) {
            let calls: Vec<(&str, &str, Vec<Term>)> = some.iter().map(|a| (module, function, a.clone())).collect();
            let theirs = self.oracle.calls(self.ours.heap(), &calls);
            for (args, theirs) in some.iter().zip(theirs) {
                let ours = self.ours.call(module, function, args);
                let trapped = matches!(ours, Err((class, _)) if class == purlin_term::am!("trap"));
                if trapped || same_answer(ours, theirs) {
                    continue;
                }
                let args = self.ours.heap().list(args);
                let what = format!("{module}:{function} {}", show(&mut self.oracle, self.ours.heap(), args));
                self.differences.compare(&mut self.oracle, self.ours.heap(), &what, ours, theirs);
            }
        }
    }
}

fn same_answer(a: Answer, b: Answer) -> bool {
    use purlin_term::compare::same;
    match (a, b) {
        // The sign of a zero is no difference to Erlang, but it is one to the eye.
        (Ok(a), Ok(b)) => same(a, b) && a.as_float().map(f64::to_bits) == b.as_float().map(f64::to_bits),
        (Err(a), Err(b)) => same(a.0, b.0) && same(a.1, b.1),
        _ => false,
    }
}

#[test]
fn every_native_has_the_same_answer_for_every_kind_of_argument() {
    let Some(mut pair) = Pair::new() else { return eprintln!("no erl here") };
    let pool = parse(&mut pair.oracle, pair.ours.heap(), ARGUMENTS).as_list().unwrap();
    let mut random = Random::new(11);
    for (module, functions) in CALLS {
        for (function, arities) in *functions {
            for &arity in *arities {
                let all: Vec<Vec<Term>> = match arity {
                    0 => vec![vec![]],
                    1 => pool.iter().map(|&a| vec![a]).collect(),
                    2 => pool.iter().flat_map(|&a| pool.iter().map(move |&b| vec![a, b])).collect(),
                    n => (0..4000).map(|_| (0..n).map(|_| pool[random.below(pool.len())]).collect()).collect(),
                };
                pair.check(module, function, all);
            }
        }
    }
}

/// Nested lists of bytes, characters and binaries, most of them good, some broken.
fn chardata(h: &mut Heap, r: &mut Random, depth: usize) -> Term {
    const TEXT: &str = "aé€😀";
    let leaf = |h: &mut Heap, r: &mut Random| match r.below(12) {
        0..=3 => Term::small([97, 233, 0x20AC, 0x1F600, 0][r.below(5)]),
        4..=8 => {
            let bytes = TEXT.as_bytes();
            let (from, to) = (r.below(bytes.len()), r.below(bytes.len() + 1));
            h.binary(bytes.get(from..to).unwrap_or_default())
        }
        9 => Term::NIL,
        10 => {
            let bytes: Vec<u8> = (0..r.below(5)).map(|_| (r.number() >> 7) as u8 | 0x40).collect();
            h.binary(&bytes)
        }
        _ => match r.below(6) {
            0 => Term::small([-1, 0xD800, 0x110000][r.below(3)]),
            1 => h.bitstring(&[0xFF], 3),
            2 => h.integer(i64::MAX),
            _ => Term::small(255),
        },
    };
    if depth == 0 {
        return leaf(h, r);
    }
    let elements: Vec<Term> =
        (0..r.below(5)).map(|_| if r.below(3) == 0 { chardata(h, r, depth - 1) } else { leaf(h, r) }).collect();
    let tail = if r.below(5) == 0 { leaf(h, r) } else { Term::NIL };
    h.list_with_tail(&elements, tail)
}

#[test]
fn random_character_data_is_converted_alike() {
    let Some(mut pair) = Pair::new() else { return eprintln!("no erl here") };
    let mut random = Random::new(5);
    let data: Vec<Term> = (0..4000).map(|i| chardata(pair.ours.heap(), &mut random, i % 4)).collect();
    for encoding in ["utf8", "latin1"] {
        let encoding = Term::atom(purlin_term::Atom::new(encoding));
        for function in ["characters_to_binary", "characters_to_list"] {
            pair.check("unicode", function, data.iter().map(|&t| vec![t, encoding]).collect());
        }
    }
    for function in ["iolist_to_binary", "iolist_size", "list_to_bitstring", "crc32", "md5"] {
        pair.check("erlang", function, data.iter().map(|&t| vec![t]).collect());
    }
}

/// Floats of all sizes, and the texts that they have.
#[test]
fn random_floats_have_the_same_texts() {
    let Some(mut pair) = Pair::new() else { return eprintln!("no erl here") };
    let mut random = Random::new(3);
    let options = parse(
        &mut pair.oracle,
        pair.ours.heap(),
        "[[], [short], [compact], [{decimals, 0}], [{decimals, 3}], [{decimals, 10}, compact], [{decimals, 18}],
          [{decimals, 19}], [{decimals, 30}, compact], [{scientific, 0}], [{scientific, 5}], [{scientific, 17}]]",
    );
    let mut calls = Vec::new();
    for i in 0..3000 {
        let bits = random.number();
        let f = match i % 4 {
            0 => f64::from_bits(bits),
            1 => (bits >> 40) as f64 / 10f64.powi(random.below(12) as i32),
            2 => (bits >> random.below(64)) as f64,
            _ => (bits as i64 >> 11) as f64 * 10f64.powi(random.below(30) as i32 - 20),
        };
        if f.is_finite() {
            let t = pair.ours.heap().float(f);
            calls.extend(options.iter().map(|o| vec![t, o]));
        }
    }
    let texts: Vec<Vec<Term>> = calls
        .iter()
        .step_by(5)
        .filter_map(|args| pair.ours.call("erlang", "float_to_list", args).ok())
        .map(|text| vec![text])
        .collect();
    pair.check("erlang", "float_to_list", calls);
    pair.check("erlang", "list_to_float", texts.clone());
    pair.check("string", "list_to_float", texts);
}

/// Packets of every framing: whole, cut short, run together and damaged.
#[test]
fn packets_are_decoded_alike() {
    let Some(mut pair) = Pair::new() else { return eprintln!("no erl here") };
    let samples = parse(
        &mut pair.oracle,
        pair.ours.heap(),
        "[{raw, <<\"abc\">>}, {1, <<3, \"abcd\">>}, {2, <<0, 3, \"abcd\">>}, {4, <<0, 0, 0, 3, \"abcd\">>},
          {sunrm, <<128, 0, 0, 3, \"abcd\">>}, {asn1, <<48, 3, \"abcd\">>}, {asn1, <<48, 130, 0, 3, \"abcd\">>},
          {asn1, <<31, 129, 2, 129, 3, \"abcd\">>}, {cdr, <<\"GIOP\", 1, 0, 0, 0, 0, 0, 0, 3, \"abcd\">>},
          {cdr, <<\"GIOP\", 1, 0, 1, 0, 3, 0, 0, 0, \"abcd\">>}, {fcgi, <<1, 2, 0, 0, 0, 3, 1, 0, \"abcde\">>},
          {tpkt, <<3, 0, 0, 7, \"abcd\">>}, {line, <<\"ab\\ncd\\n\">>}, {ssl_tls, <<22, 3, 1, 0, 3, \"abcd\">>},
          {ssl_tls, <<128, 8, 1, 3, 0, \"abcdefg\">>}, {http, <<\"GET / HTTP/1.1\\r\\nHost: x\\r\\n\">>},
          {http_bin, <<\"POST http://host:80/a/b?c HTTP/1.0\\r\\n\">>}, {http, <<\"PATCH * HTTP/1.1\\n\">>},
          {http, <<\"GET https://host/ HTTP/1.1\\r\\n\">>}, {http_bin, <<\"GET ftp:x\\r\\n\">>}, {http, <<\"GET x HTTP/1.1\\r\\n\">>},
          {http, <<\"GET http://host:x HTTP/1.1\\r\\n\">>}, {http_bin, <<\"HTTP/1.1 200 OK\\r\\n\">>}, {http, <<\"HTTP/1.1 404\\r\\n\">>},
          {http, <<\"HTTP/1.1 404x\\r\\n\">>}, {http, <<\"\\r\\n\">>}, {httph, <<\"\\r\\n\">>}, {httph_bin, <<\"\\r\\nx\">>},
          {httph_bin, <<\"content-length:  12\\r\\n\\r\\n\">>}, {httph, <<\"X-OWN--hEADER: a\\r\\n b\\r\\nNext: 1\\r\\n\">>},
          {httph, <<\"cookie:\\nX\">>}, {httph, <<\"a very bad header\\r\\nx\">>}, {httph_bin, <<\": x\\r\\nx\">>},
          {httph, <<\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeFF: v\\r\\n\\r\\n\">>},
          {foo, <<>>}, {3, <<>>}, {raw, <<>>}, {raw, abc}, {1, <<2, \"ab\", 1:3>>}]",
    );
    let options = parse(
        &mut pair.oracle,
        pair.ours.heap(),
        "[[], [], [], [{packet_size, 3}], [{packet_size, 20}], [{line_length, 2}], [{line_length, 20}], [{line_delimiter, 99}],
          [{packet_size, 10}, {line_length, 4}], [{packet_size, -1}], [{packet_size, 4294967296}], [x], [{foo, 1}]]",
    )
    .as_list()
    .unwrap();
    let mut random = Random::new(17);
    let mut calls = Vec::new();
    for sample in samples.iter() {
        let &[kind, packet] = sample.as_tuple().unwrap() else { panic!("a sample is a pair") };
        calls.extend(options.iter().map(|&o| vec![kind, packet, o]));
        let Some(bytes) = packet.as_bytes() else { continue };
        for i in 0..150 {
            let mut bytes = bytes.to_vec();
            match i % 3 {
                0 => bytes.truncate(random.below(bytes.len() + 1)),
                1 => bytes = bytes.repeat(2),
                _ => {}
            }
            for _ in 0..random.below(3) {
                let at = random.below(bytes.len().max(1));
                let new = *random.choose(b"\r\n :/.0129AZaz-\x00\x01\x7f\x80\x81\xff").unwrap();
                match random.below(3) {
                    0 => bytes.insert(at, new),
                    1 if at < bytes.len() => bytes[at] = new,
                    _ if at < bytes.len() => drop(bytes.remove(at)),
                    _ => {}
                }
            }
            let packet = pair.ours.heap().binary(&bytes);
            calls.push(vec![kind, packet, options[random.below(options.len())]]);
        }
    }
    pair.check("erlang", "decode_packet", calls);
}
