use super::*;
use purlin_term::{Atom, Heap};
use purlin_vm::{Config, Mfa, Process, ProcessData};
use std::sync::Arc;

fn with_ctx(test: impl FnOnce(&mut Ctx<'_>)) {
    let call = Mfa { module: Atom::NORMAL, function: Atom::NORMAL, arity: 0 };
    let data = || ProcessData::new(Heap::new(512), Default::default(), call);
    let (engine, process, mut own) =
        (Engine::new(&[NATIVES], Config::from_env().unwrap()), Arc::new(Process::new(1, data())), data());
    test(&mut Ctx { engine: &engine, process: &process, data: &mut own });
}

#[test]
fn values_are_literals_and_can_be_replaced_and_erased() {
    with_ctx(|ctx| {
        let key = ctx.heap().tuple(&[am!("my"), am!("key")]);
        let value = ctx.heap().list(&[Term::small(1), key]);
        assert!(get_1(ctx, &[key]).is_err());
        assert_eq!(get_2(ctx, &[key, am!("none")]).unwrap(), am!("none"));
        assert_eq!(put(ctx, &[key, value]).unwrap(), am!("ok"));
        let stored = get_1(ctx, &[key]).unwrap();
        assert!(same(stored, value) && purlin_term::literal::is_literal(stored.pointer()));
        put(ctx, &[key, value]).unwrap();
        assert_eq!(get_1(ctx, &[key]).unwrap(), stored, "an equal value is not stored again");
        put(ctx, &[key, am!("new")]).unwrap();
        assert_eq!(get_2(ctx, &[key, am!("none")]).unwrap(), am!("new"));
        assert_eq!(erase(ctx, &[key]).unwrap(), am!("true"));
        assert_eq!(erase(ctx, &[key]).unwrap(), am!("false"));
        assert!(get_0(ctx, &[]).unwrap().is_nil());
    });
}

#[test]
fn integers_and_floats_are_different_keys() {
    with_ctx(|ctx| {
        let float = ctx.heap().float(1.0);
        put(ctx, &[Term::small(1), am!("i")]).unwrap();
        put(ctx, &[float, am!("f")]).unwrap();
        assert_eq!(get_1(ctx, &[Term::small(1)]).unwrap(), am!("i"));
        assert_eq!(get_1(ctx, &[float]).unwrap(), am!("f"));
        assert_eq!(get_0(ctx, &[]).unwrap().iter().count(), 2);
        let info = info(ctx, &[]).unwrap();
        assert_eq!(map::get(info, am!("count")), Some(Term::small(2)));
    });
}

#[test]
fn many_keys_are_all_found_again() {
    with_ctx(|ctx| {
        for i in 0..2000 {
            let key = ctx.heap().tuple(&[am!("k"), Term::small(i)]);
            put(ctx, &[key, Term::small(-i)]).unwrap();
        }
        for i in 0..2000 {
            let key = ctx.heap().tuple(&[am!("k"), Term::small(i)]);
            assert_eq!(get_1(ctx, &[key]).unwrap(), Term::small(-i));
        }
    });
}
