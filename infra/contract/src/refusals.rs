//! What the contract forbids is refused by name, and what it allows is taken.

use std::collections::BTreeSet;

use jsonschema::error::ValidationErrorKind;
use serde_json::{Value, json};

use crate::openapi::{Contract, Operation};
use crate::stage::Stage;

/// Values of every kind, near every bound that the contract has.
fn values() -> Vec<Value> {
    let mut values = vec![
        Value::Null,
        json!(true),
        json!([]),
        json!({}),
        json!([1]),
        json!(["x"]),
        json!([true]),
        json!({ "x": 1 }),
        json!([721]),
        json!([1, 2, 3, 4, 5, 6]),
        json!(1.5),
        json!(1_i64 << 52),
        json!("a@b.example"),
        json!("https://pictures.example/x.png"),
        json!("2999-01-01T00:00:00Z"),
        json!("USD"),
        json!("1.50"),
        json!("0"),
    ];
    values.extend([-1, 0, 1, 500, 501, 720, 721, 3660, 3661, 8760, 8761].map(|n| json!(n)));
    values.extend(["", " ", "x", "1", "-"].map(|text| json!(text)));
    values.extend([32, 33, 128, 129, 255, 256, 1000, 1001, 2049].map(|n| json!("a".repeat(n))));
    values
}

/// A field of a body: the names on the way to it.
type Place = Vec<String>;

/// What a request body looks like.
struct Body {
    operation: Operation,
    schema: Value,
}

fn bodies(contract: &Contract) -> Vec<Body> {
    let operations = contract.operations().into_values();
    let bodies = operations.filter(|operation| !operation.scopes().is_empty());
    let bodies = bodies.filter_map(|operation| {
        let (schema, _) = contract.request(&operation)?;
        Some(Body { operation, schema })
    });
    bodies.collect()
}

/// The object that a schema describes, looking through references and alternatives.
fn object<'c>(contract: &'c Contract, schema: &'c Value) -> Option<&'c Value> {
    let schema = contract.resolved(schema);
    if schema.get("properties").is_some() {
        return Some(schema);
    }
    schema["anyOf"].as_array()?.iter().find_map(|one| object(contract, one))
}

/// The fields of a body, those of its inner objects included, each with its schema.
fn fields(contract: &Contract, schema: &Value) -> Vec<(Place, Value)> {
    let Some(object) = object(contract, schema) else { return Vec::new() };
    let mut found = Vec::new();
    for (name, inner) in object["properties"].as_object().unwrap() {
        found.push((vec![name.clone()], inner.clone()));
        for (mut place, schema) in fields(contract, inner) {
            place.insert(0, name.clone());
            found.push((place, schema));
        }
    }
    found
}

/// The fields that have to be there.
fn required(contract: &Contract, schema: &Value) -> Vec<Place> {
    let Some(object) = object(contract, schema) else { return Vec::new() };
    let all = object["required"].as_array().into_iter().flatten();
    // Of alternatives, the first is the field's own name.
    let first = object["oneOf"][0]["required"].as_array().into_iter().flatten();
    let names: Vec<_> = all.chain(first).map(|name| name.as_str().unwrap().to_owned()).collect();
    let mut found = Vec::new();
    for name in names {
        for mut place in required(contract, &object["properties"][&name]) {
            place.insert(0, name.clone());
            found.push(place);
        }
        found.push(vec![name]);
    }
    found
}

/// The field of which another is only a second name: "The same as `symbol`."
fn canonical(schema: &Value) -> Option<String> {
    let rest = schema["description"].as_str()?.strip_prefix("The same as `")?;
    rest.split('`').next().map(str::to_owned)
}

/// Where the fault stands in the answer.
fn pointer(place: &Place) -> String {
    place.iter().map(|name| format!("/{name}")).collect()
}

/// The object in which a field stands.
fn around<'b>(body: &'b mut Value, place: &Place) -> &'b mut Value {
    let (_, way) = place.split_last().unwrap();
    way.iter().fold(body, |at, name| {
        if !at[name].is_object() {
            at[name] = json!({});
        }
        &mut at[name]
    })
}

/// The body with the field set, and nothing there that means the same.
fn with(body: &Value, place: &Place, value: &Value, fields: &[(Place, Value)]) -> Value {
    let mut body = body.clone();
    let name = place.last().unwrap();
    let meaning = |field: &(Place, Value)| canonical(&field.1).unwrap_or(field.0[0].clone());
    let own = fields.iter().find(|(at, _)| at == place).map(meaning);
    if place.len() == 1 {
        let same = fields.iter().filter(|field| field.0.len() == 1);
        for (at, _) in same.filter(|field| Some(meaning(field)) == own) {
            body.as_object_mut().unwrap().remove(&at[0]);
        }
    }
    around(&mut body, place)[name] = value.clone();
    body
}

/// The places of the faults that an answer names.
fn named(answer: &Value) -> BTreeSet<String> {
    let errors = answer["errors"].as_array().into_iter().flatten();
    errors.map(|fault| fault["pointer"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_required_field_that_is_left_out_or_null_is_named() {
    let stage = Stage::new();
    let mut tried = 0;
    for Body { operation, schema } in bodies(stage.contract) {
        let id = &operation.id;
        for place in required(stage.contract, &schema) {
            let whole = &stage.examples(id)[0];
            let at = pointer(&place);
            let mut left_out = whole.clone();
            around(&mut left_out, &place).as_object_mut().unwrap().remove(place.last().unwrap());
            let mut null = whole.clone();
            around(&mut null, &place)[place.last().unwrap()] = Value::Null;
            for body in [left_out, null] {
                let answer = stage.call(id, &body).is(422);
                assert!(named(&answer).contains(&at), "{id} {at}: {body} leads to {answer}");
                tried += 1;
            }
        }
    }
    assert!(tried >= 20, "only {tried} bodies were tried");
}

#[test]
fn a_field_that_is_not_known_is_named() {
    let stage = Stage::new();
    for Body { operation, schema } in bodies(stage.contract) {
        let id = &operation.id;
        let fields = fields(stage.contract, &schema);
        let mut places = vec![vec!["surprise".to_owned()]];
        for (place, inner) in &fields {
            if object(stage.contract, inner).is_some() {
                places.push([place.clone(), vec!["surprise".to_owned()]].concat());
            }
        }
        for example in stage.examples(id) {
            for place in &places {
                let body = with(&example, place, &json!(1), &fields);
                let answer = stage.call(id, &body).is(422);
                assert!(named(&answer).contains(&pointer(place)), "{id}: {body} leads to {answer}");
            }
        }
    }
}

#[test]
fn a_value_that_does_not_fit_is_named_and_one_that_fits_is_taken() {
    let shared = Stage::new();
    let (mut refused, mut taken) = (0, 0);
    let mut known = BTreeSet::new();
    for Body { operation, schema } in bodies(shared.contract) {
        let id = &operation.id;
        let fields = fields(shared.contract, &schema);
        let validator = shared.contract.validator(&schema);
        let examples = 0..shared.examples(id).len();
        for (number, (place, inner)) in examples.flat_map(|n| fields.iter().map(move |f| (n, f))) {
            for value in values().iter().chain(words(shared.contract, inner).iter()) {
                let make = |stage: &Stage| with(&stage.examples(id)[number], place, value, &fields);
                let body = make(&shared);
                if validator.is_valid(&body) {
                    // Once is enough: this takes a stage of its own.
                    if !known.insert((id.clone(), place.clone(), value.to_string())) {
                        continue;
                    }
                    let stage = Stage::new();
                    let answer = stage.call(id, &make(&stage));
                    // That prices contradict each other is beyond a schema.
                    let fits = answer.status < 300 || contradicts_itself(&answer.body);
                    assert!(fits, "{id}: {body} leads to {}", answer.body);
                    taken += 1;
                } else {
                    let answer = shared.call(id, &body).is(422);
                    let at = canonical(inner).map_or(pointer(place), |name| format!("/{name}"));
                    // A value can also make another one wrong.
                    let faults = validator.iter_errors(&body);
                    let mut places: Vec<_> = faults.map(|fault| place_of(&fault)).collect();
                    places.retain(|place| !place.is_empty());
                    places.push(at);
                    let is_at = |there: &String| places.iter().any(|at| there.starts_with(at));
                    let is_named = named(&answer).iter().any(is_at) || contradicts_itself(&answer);
                    assert!(is_named, "{id} {places:?}: {body} leads to {answer}");
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 500 && taken > 100, "{refused} were refused and {taken} were taken");
}

/// Where a fault stands: what is missing, by its own name.
fn place_of(fault: &jsonschema::ValidationError<'_>) -> String {
    let at = fault.instance_path();
    match fault.kind() {
        ValidationErrorKind::Required { property } => {
            format!("{at}/{}", property.as_str().unwrap_or_default())
        }
        _ => at.to_string(),
    }
}

/// Whether a signal was refused for what several of its fields say together.
fn contradicts_itself(answer: &Value) -> bool {
    let errors = answer["errors"].as_array().into_iter().flatten();
    let details: Vec<_> = errors.map(|fault| fault["detail"].to_string()).collect();
    let is_about_several =
        |detail: &String| detail.contains("wrong side") || detail.contains("needs an entry price");
    !details.is_empty() && details.iter().all(is_about_several)
}

/// The words that a field knows.
fn words(contract: &Contract, schema: &Value) -> Vec<Value> {
    let schema = contract.resolved(schema);
    let own = schema["enum"].as_array().cloned().unwrap_or_default();
    let others = schema["anyOf"].as_array().into_iter().flatten();
    own.into_iter().chain(others.flat_map(|one| words(contract, one))).collect()
}

#[test]
fn two_names_for_the_same_thing_are_refused() {
    let stage = Stage::new();
    let mut tried = 0;
    for Body { operation, schema } in bodies(stage.contract) {
        let id = &operation.id;
        for (place, inner) in fields(stage.contract, &schema) {
            let Some(name) = canonical(&inner) else { continue };
            let mut body = stage.examples(id)[0].clone();
            for same in [&name, &place[0]] {
                body[same] = json!("1");
            }
            let answer = stage.call(id, &body).is(422);
            assert!(named(&answer).contains(&pointer(&place)), "{id}: {body} leads to {answer}");
            tried += 1;
        }
    }
    assert!(tried >= 7, "only {tried} names were tried");
}

#[test]
fn a_placeholder_that_was_not_filled_in_and_a_control_character_are_refused() {
    let stage = Stage::new();
    let mut tried = 0;
    for Body { operation, schema } in bodies(stage.contract) {
        let id = &operation.id;
        let fields = fields(stage.contract, &schema);
        // The storefront's own names for its customers are no texts: they are taken as they are.
        for (place, inner) in fields.iter().filter(|(place, _)| *place != ["customer_id"]) {
            let validator = stage.contract.validator(inner);
            // Where any other text will do, the first still will not. Of the second, schemas tell.
            tried += usize::from(validator.is_valid(&json!("{{close}}")));
            assert!(!validator.is_valid(&json!("a\u{7}b")), "{id} {place:?}");
            for text in ["{{close}}", "a\u{7}b"] {
                let body = with(&stage.examples(id)[0], place, &json!(text), &fields);
                let answer = stage.call(id, &body).is(422);
                let at = canonical(inner).map_or(pointer(place), |name| format!("/{name}"));
                let is_named = named(&answer).iter().any(|there| there.starts_with(&at));
                assert!(is_named, "{id} {at}: {body} leads to {answer}");
            }
        }
    }
    assert!(tried >= 10, "only {tried} texts were tried");
}

#[test]
fn a_signal_that_contradicts_itself_is_refused_field_by_field() {
    let stage = Stage::new();
    let mut body = stage.examples("send-alert")[0].clone();
    for (name, value) in [
        ("action", json!("buy")),
        ("order_type", json!("limit")),
        ("targets", json!(["110", "90"])),
        ("stop_loss", json!("105")),
        ("entry", json!("100")),
    ] {
        body[name] = value;
    }
    let answer = stage.call("send-alert", &body).is(422);
    assert_eq!(named(&answer), ["/stop_loss", "/targets/1"].map(str::to_owned).into());
    for number in [json!("NaN"), json!("1e5"), json!("-1"), json!("1,5")] {
        body["entry"] = number;
        let answer = stage.call("send-alert", &body).is(422);
        assert_eq!(named(&answer), ["/entry".to_owned()].into());
    }
}

#[test]
fn a_page_that_does_not_exist_and_a_parameter_that_is_not_known_are_named() {
    let stage = Stage::new();
    for operation in stage.operations.values().filter(|it| it.parameter("limit").is_some()) {
        let id = &operation.id;
        for (query, at) in [
            ("limit=0", "?limit"),
            ("limit=101", "?limit"),
            ("limit=x", "?limit"),
            ("next=nonsense", "?next"),
            ("page=2", "?page"),
        ] {
            let mut request = stage.request(id, None);
            request.path.push_str(&format!("?{query}"));
            let answer = stage.send(id, request).is(422);
            assert_eq!(named(&answer), [at.to_owned()].into(), "{id}?{query}");
        }
    }
}

#[test]
fn a_key_that_does_not_fit_is_named() {
    let stage = Stage::new();
    for operation in stage.operations.values().filter(|it| it.takes_key()) {
        let id = &operation.id;
        let key = operation.parameter("Idempotency-Key").unwrap();
        let validator = stage.contract.validator(&key["schema"]);
        let body = &stage.examples(id)[0];
        for bad in ["", "two words", "Schlüssel", &"k".repeat(256)] {
            assert!(!validator.is_valid(&json!(bad)), "{bad}");
            let request = stage.request(id, Some(body)).with("idempotency-key", bad);
            let answer = stage.send(id, request).is(422);
            assert_eq!(named(&answer), ["Idempotency-Key".to_owned()].into(), "{id}");
        }
    }
}
