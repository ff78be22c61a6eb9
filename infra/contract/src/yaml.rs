//! YAML as JSON, with the short tags of CloudFormation in their long forms.

use serde_json::{Map, Value, json};
use serde_norway::Value as Yaml;

use crate::repository;

/// Reads a file of the repository.
pub(crate) fn read(path: &str) -> Value {
    let yaml: Yaml = serde_norway::from_str(&repository::read(path)).unwrap();
    value(yaml)
}

fn value(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(truth) => json!(truth),
        Yaml::Number(number) => serde_json::to_value(number).unwrap(),
        Yaml::String(text) => json!(text),
        Yaml::Sequence(list) => list.into_iter().map(value).collect(),
        Yaml::Mapping(map) => {
            let pairs = map.into_iter().map(|(name, inner)| {
                let Yaml::String(name) = name else { panic!("a key that is no text: {name:?}") };
                (name, value(inner))
            });
            Value::Object(pairs.collect::<Map<_, _>>())
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let inner = value(tagged.value);
            match (tag.trim_start_matches('!'), &inner) {
                ("Ref", _) => json!({ "Ref": inner }),
                ("GetAtt", Value::String(text)) => {
                    json!({ "Fn::GetAtt": text.split('.').collect::<Vec<_>>() })
                }
                (name, _) => json!({ format!("Fn::{name}"): inner }),
            }
        }
    }
}

#[test]
fn short_tags_are_read_as_their_long_forms() {
    let read = |text: &str| value(serde_norway::from_str(text).unwrap());
    assert_eq!(read("!Ref Api"), json!({ "Ref": "Api" }));
    assert_eq!(read("!GetAtt Queue.Arn"), json!({ "Fn::GetAtt": ["Queue", "Arn"] }));
    assert_eq!(read("!If [A, !Ref B, 1]"), json!({ "Fn::If": ["A", { "Ref": "B" }, 1] }));
}
