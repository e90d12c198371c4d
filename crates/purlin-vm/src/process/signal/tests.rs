use super::*;

fn message(i: i64) -> Parcel {
    Signal::message(Term::small(i))
}

#[cfg(not(loom))]
#[test]
fn signals_come_out_in_the_order_they_went_in() {
    let q = Outer::new();
    assert!(q.push(message(1)).ok().unwrap());
    assert!(!q.push(message(2)).ok().unwrap());
    let got: Vec<i64> = q.take().map(|s| s.term.small_value()).collect();
    assert_eq!(got, [1, 2]);
    assert!(q.push(message(3)).ok().unwrap(), "empty again");
}

#[cfg(not(loom))]
#[test]
fn a_closed_queue_gives_signals_back() {
    let q = Outer::new();
    q.push(message(1)).ok().unwrap();
    assert_eq!(q.close().count(), 1);
    assert!(q.push(message(2)).is_err());
    assert!(q.is_closed());
}

#[cfg(loom)]
#[test]
fn loom_each_sender_keeps_its_order_and_nothing_is_lost() {
    loom::model(|| {
        let q = loom::sync::Arc::new(Outer::new());
        let senders: Vec<_> = (0..2)
            .map(|s| {
                let q = q.clone();
                loom::thread::spawn(move || {
                    for i in 0..2 {
                        q.push(message(s * 10 + i)).ok().unwrap();
                    }
                })
            })
            .collect();
        let mut got: Vec<i64> = q.take().map(|s| s.term.small_value()).collect();
        for s in senders {
            s.join().unwrap();
        }
        got.extend(q.take().map(|s| s.term.small_value()));
        for s in 0..2 {
            let of: Vec<i64> = got.iter().copied().filter(|x| x / 10 == s).collect();
            assert_eq!(of, [s * 10, s * 10 + 1]);
        }
    });
}

#[cfg(loom)]
#[test]
fn loom_a_signal_is_either_in_the_last_batch_or_given_back() {
    loom::model(|| {
        let q = loom::sync::Arc::new(Outer::new());
        let sender = {
            let q = q.clone();
            loom::thread::spawn(move || q.push(message(1)).is_ok())
        };
        let taken = q.close().count();
        let accepted = sender.join().unwrap();
        assert_eq!(taken == 1, accepted);
    });
}
