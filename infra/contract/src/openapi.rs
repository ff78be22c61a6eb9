//! `infra/openapi.yaml`: its operations, schemas and examples.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::yaml;

/// The contract.
#[derive(Debug)]
pub(crate) struct Contract(Value);

/// One operation.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// Its `operationId`.
    pub(crate) id: String,
    /// `POST`, `GET`, …
    pub(crate) method: &'static str,
    /// The path, with `{id}` in it.
    pub(crate) path: String,
    /// Everything else, with its references resolved one step.
    pub(crate) body: Value,
    /// Its parameters, those of its path included.
    pub(crate) parameters: Vec<Value>,
}

/// An example and the schema that it has to fit.
#[derive(Debug)]
pub(crate) struct Example {
    /// Where it stands.
    pub(crate) place: String,
    pub(crate) schema: Value,
    pub(crate) value: Value,
}

const METHODS: [(&str, &str); 4] =
    [("get", "GET"), ("post", "POST"), ("patch", "PATCH"), ("delete", "DELETE")];

impl Contract {
    pub(crate) fn read() -> &'static Self {
        static CONTRACT: LazyLock<Contract> =
            LazyLock::new(|| Contract(yaml::read("infra/openapi.yaml")));
        &CONTRACT
    }

    /// What a value says: itself, or what it refers to.
    pub(crate) fn resolved<'v>(&'v self, value: &'v Value) -> &'v Value {
        match value["$ref"].as_str() {
            Some(reference) => {
                let found = self.0.pointer(reference.trim_start_matches('#'));
                found.unwrap_or_else(|| panic!("{reference} leads nowhere"))
            }
            None => value,
        }
    }

    /// The operations, by their ids.
    pub(crate) fn operations(&self) -> BTreeMap<String, Operation> {
        let mut operations = BTreeMap::new();
        for (path, item) in self.0["paths"].as_object().unwrap() {
            for (name, method) in METHODS {
                let Some(body) = item.get(name) else { continue };
                let of =
                    |value: &Value| value["parameters"].as_array().cloned().unwrap_or_default();
                let parameters = of(item).into_iter().chain(of(body));
                let operation = Operation {
                    id: body["operationId"].as_str().unwrap().to_owned(),
                    method,
                    path: path.clone(),
                    body: body.clone(),
                    parameters: parameters.map(|it| self.resolved(&it).clone()).collect(),
                };
                let doubled = operations.insert(operation.id.clone(), operation);
                assert!(doubled.is_none(), "{doubled:?}");
            }
        }
        operations
    }

    /// The documented answers of an operation, by their statuses.
    pub(crate) fn responses(&self, operation: &Operation) -> BTreeMap<u16, Value> {
        let responses = operation.body["responses"].as_object().unwrap();
        responses.iter().map(|(s, it)| (s.parse().unwrap(), self.resolved(it).clone())).collect()
    }

    /// The schema of an operation's request body, and its examples by name.
    pub(crate) fn request(&self, operation: &Operation) -> Option<(Value, Map<String, Value>)> {
        let media = operation.body.pointer("/requestBody/content/application~1json")?;
        let examples = media["examples"].as_object().unwrap().iter();
        let examples =
            examples.map(|(name, it)| (name.clone(), self.resolved(it)["value"].clone())).collect();
        Some((media["schema"].clone(), examples))
    }

    /// Every example of the file.
    pub(crate) fn examples(&self) -> Vec<Example> {
        let mut found = Vec::new();
        self.collect("", &self.0, &mut found);
        found
    }

    fn collect(&self, place: &str, value: &Value, found: &mut Vec<Example>) {
        if let (Some(schema), Some(example)) = (value.get("schema"), value.get("example")) {
            let (schema, value) = (schema.clone(), example.clone());
            found.push(Example { place: place.to_owned(), schema, value });
        }
        if let (Some(schema), Some(examples)) = (value.get("schema"), value.get("examples")) {
            for (name, example) in examples.as_object().unwrap() {
                let value = self.resolved(example)["value"].clone();
                let (place, schema) = (format!("{place}/{name}"), schema.clone());
                found.push(Example { place, schema, value });
            }
        }
        for (name, inner) in value.as_object().into_iter().flatten() {
            self.collect(&format!("{place}/{name}"), inner, found);
        }
    }

    /// A validator for a schema that stands somewhere in the file.
    pub(crate) fn validator(&self, schema: &Value) -> Validator {
        self.with_schemas(schema, self.0["components"]["schemas"].clone())
    }

    /// A validator that also refuses every field of which the contract does not tell. Callers are
    /// to overlook such fields; we are not to send them unannounced.
    pub(crate) fn strict_validator(&self, schema: &Value) -> Validator {
        let mut schemas = self.0["components"]["schemas"].clone();
        close(&mut schemas);
        self.with_schemas(schema, schemas)
    }

    fn with_schemas(&self, schema: &Value, schemas: Value) -> Validator {
        let whole = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [schema],
            "components": { "schemas": schemas },
        });
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        options.build(&whole).unwrap_or_else(|error| panic!("{schema}: {error}"))
    }

    /// A component, by its kind and name.
    pub(crate) fn component(&self, kind: &str, name: &str) -> &Value {
        &self.0["components"][kind][name]
    }
}

fn close(schema: &mut Value) {
    if schema["type"] == "object"
        && schema.get("properties").is_some()
        && schema.get("additionalProperties").is_none()
    {
        schema["additionalProperties"] = json!(false);
    }
    match schema {
        Value::Object(map) => map.values_mut().for_each(close),
        Value::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}

impl Operation {
    /// The scopes that it asks for; none when it is called without a token.
    pub(crate) fn scopes(&self) -> Vec<String> {
        let security = self.body["security"].as_array().unwrap();
        let [one] = security.as_slice() else { panic!("{}: one way to call it", self.id) };
        let scopes = one["bearer"].as_array().into_iter().flatten();
        scopes.map(|scope| scope.as_str().unwrap().to_owned()).collect()
    }

    /// A parameter, by its name.
    pub(crate) fn parameter(&self, name: &str) -> Option<&Value> {
        self.parameters.iter().find(|parameter| parameter["name"] == name)
    }

    /// Whether it makes or sends something under an idempotency key.
    pub(crate) fn takes_key(&self) -> bool {
        self.parameter("Idempotency-Key").is_some()
    }
}
