//! Random changes of an input: of its JSON, or of its bytes.

use fastrand::Rng;
use serde_json::{Value, json};

/// What programs stumble over.
fn odd(dice: &mut Rng) -> Value {
    let odd = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(i64::MIN),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(""),
        json!(" "),
        json!("\u{0}"),
        json!("\u{202e}x"),
        json!("é\u{301}👩‍👩‍👧"),
        json!("{{close}}"),
        json!("<b>&"),
        json!("NaN"),
        json!("1e5"),
        json!("-0.0"),
        json!("00000000000000000001"),
        json!("99999999999999999999"),
        json!("0.00000000000000000001"),
        json!("9999-12-31T23:59:59.999999999Z"),
        json!("-009999-01-01T00:00:00Z"),
        json!("/start"),
        json!("/start@"),
        json!("administrator"),
        json!("restricted"),
        json!("x".repeat(5000)),
        json!([]),
        json!({}),
        json!([[], {}]),
        json!("@service@"),
        json!("@alert@"),
        json!("@subscription@"),
    ];
    odd[dice.usize(..odd.len())].clone()
}

fn places(value: &mut Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter_mut().map(places).sum(),
        Value::Object(fields) => fields.values_mut().map(places).sum::<usize>(),
        _ => 0,
    }
}

/// Changes the part at this place, counted from the outside in.
fn change(value: &mut Value, at: &mut usize, dice: &mut Rng) {
    if *at == 0 {
        match (dice.usize(..3), &mut *value) {
            (0, Value::Object(fields)) if !fields.is_empty() => {
                let name = fields.keys().nth(dice.usize(..fields.len())).cloned().unwrap();
                fields.remove(&name);
            }
            (0, Value::Array(items)) if !items.is_empty() => {
                let copy = items[dice.usize(..items.len())].clone();
                items.push(copy);
            }
            (1, Value::Object(fields)) => {
                fields.insert("extra".to_owned(), odd(dice));
            }
            _ => *value = odd(dice),
        }
    }
    let Some(rest) = at.checked_sub(1) else {
        *at = usize::MAX;
        return;
    };
    *at = rest;
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| next(item, at, dice)),
        Value::Object(fields) => fields.values_mut().for_each(|field| next(field, at, dice)),
        _ => {}
    }
}

fn next(value: &mut Value, at: &mut usize, dice: &mut Rng) {
    if *at != usize::MAX {
        change(value, at, dice);
    }
}

/// An input like this one, but not quite.
pub fn mutated(input: &[u8], dice: &mut Rng) -> Vec<u8> {
    let mut bytes = input.to_vec();
    if dice.usize(..4) > 0
        && let Ok(mut value) = serde_json::from_slice::<Value>(input)
    {
        for _ in 0..=dice.usize(..3) {
            let mut at = dice.usize(..places(&mut value));
            change(&mut value, &mut at, dice);
        }
        bytes = value.to_string().into_bytes();
    }
    if dice.usize(..3) == 0 && !bytes.is_empty() {
        let at = dice.usize(..bytes.len());
        match dice.usize(..4) {
            0 => bytes.truncate(at),
            1 => bytes[at] = dice.u8(..),
            2 => drop(bytes.remove(at)),
            _ => bytes.splice(at..at, b"[[[{\"a\":\xff".iter().copied()).for_each(drop),
        }
    }
    bytes
}
