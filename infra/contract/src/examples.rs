//! The examples of the contract keep to the contract.

use crate::openapi::Contract;

#[test]
fn every_example_fits_its_schema() {
    let contract = Contract::read();
    let examples = contract.examples();
    assert!(examples.len() >= 75, "only {} examples were found", examples.len());
    for example in examples {
        // Strictly: an example tells of no field that its schema does not know.
        let validator = contract.strict_validator(&example.schema);
        let faults: Vec<_> =
            validator.iter_errors(&example.value).map(|it| it.to_string()).collect();
        assert!(faults.is_empty(), "{}: {faults:#?}", example.place);
    }
}

#[test]
fn every_operation_shows_a_request_and_an_answer() {
    let contract = Contract::read();
    for operation in contract.operations().values() {
        match contract.request(operation) {
            Some((_, examples)) => assert!(!examples.is_empty(), "{}", operation.id),
            None => {
                for parameter in &operation.parameters {
                    assert!(parameter.get("example").is_some(), "{}: {parameter}", operation.id);
                }
            }
        }
        for (status, response) in contract.responses(operation) {
            let media = response["content"].as_object().unwrap();
            for shown in media.values() {
                let examples = shown["examples"].as_object();
                assert!(examples.is_some_and(|it| !it.is_empty()), "{} {status}", operation.id);
            }
        }
    }
}

#[test]
fn every_operation_and_every_part_is_described() {
    let contract = Contract::read();
    for operation in contract.operations().values() {
        for part in ["summary", "description"] {
            assert!(operation.body[part].is_string(), "{}: {part}", operation.id);
        }
        for parameter in &operation.parameters {
            assert!(parameter["description"].is_string(), "{}: {parameter}", operation.id);
        }
        for (status, response) in contract.responses(operation) {
            assert!(response["description"].is_string(), "{} {status}", operation.id);
        }
    }
}

#[test]
fn request_bodies_take_no_field_that_is_not_told_of() {
    let contract = Contract::read();
    for operation in contract.operations().values() {
        // What Telegram sends is for Telegram to extend.
        let Some((schema, _)) = contract.request(operation) else { continue };
        let closed = contract.resolved(&schema)["additionalProperties"] == false;
        assert_eq!(closed, operation.id != "telegram-webhook", "{}", operation.id);
    }
}
