//! The JSON Schema of the experiment file, for editors: from the table of keys and the catalog.
//!
//! Draft 7, restricted to what draft 4 has too, because editors of TOML (Taplo) know draft 4.

use serde_json::{Map, Value, json};

use super::keys::{Absent, EXPERIMENT, Group, Key, Section, Shape};
use crate::kind::{Accepts, Catalog, Default, Range, Setting};

pub fn json(catalog: &Catalog) -> Value {
    let mut schema = section(&EXPERIMENT, catalog);
    if let Value::Object(object) = &mut schema {
        object.insert("$schema".into(), json!("http://json-schema.org/draft-07/schema#"));
        object.insert("title".into(), json!("sbi-run experiment"));
    }
    schema
}

/// A table. Where a row gives further keys, each row is an alternative with its own settings.
fn section(section: &Section, catalog: &Catalog) -> Value {
    let Some(row) = section.row else {
        let mut schema = object(section, section.summary, properties(section, catalog), required(section));
        if let (Some((_, inner)), Value::Object(object)) = (section.names, &mut schema) {
            object.insert("additionalProperties".into(), shape(inner, catalog));
        }
        return schema;
    };
    let alternatives: Vec<Value> = row
        .group
        .kinds(catalog)
        .into_iter()
        .map(|kind| {
            let mut properties = properties(section, catalog);
            properties.insert(row.key.into(), json!({ "enum": [kind.name], "description": kind.summary }));
            for setting in kind.settings {
                properties.insert(setting.name.into(), written_setting(setting));
            }
            let settings = kind.settings.iter().filter(|setting| setting.default == Default::Required);
            let required = required(section).into_iter().chain(settings.map(|setting| setting.name)).collect();
            object(section, kind.summary, properties, required)
        })
        .collect();
    json!({ "description": section.summary, "anyOf": alternatives })
}

fn object(section: &Section, description: &str, properties: Map<String, Value>, required: Vec<&str>) -> Value {
    debug_assert!(section.keys.iter().all(|key| properties.contains_key(key.name)));
    let mut object = json!({
        "type": "object",
        "description": description,
        "properties": properties,
        "additionalProperties": false,
    });
    // Draft 4 does not allow an empty list.
    if let (false, Value::Object(object)) = (required.is_empty(), &mut object) {
        object.insert("required".into(), json!(required));
    }
    object
}

fn properties(section: &Section, catalog: &Catalog) -> Map<String, Value> {
    section.keys.iter().map(|key| (key.name.to_string(), written_key(key, catalog))).collect()
}

fn required(section: &Section) -> Vec<&'static str> {
    section.keys.iter().filter(|key| matches!(key.absent, Absent::Required)).map(|key| key.name).collect()
}

fn written_key(key: &Key, catalog: &Catalog) -> Value {
    let mut schema = shape(&key.shape, catalog);
    if let Value::Object(object) = &mut schema {
        object.insert("description".into(), json!(key.summary));
        match key.absent {
            Absent::Is(default) => with_default(object, default),
            Absent::Words(words) => _ = object.insert("default".into(), json!(words)),
            Absent::Required | Absent::Means(_) => {}
        }
    }
    schema
}

fn written_setting(setting: &Setting) -> Value {
    let mut schema = accepts(setting.accepts);
    if let Value::Object(object) = &mut schema {
        object.insert("description".into(), json!(setting.summary));
        with_default(object, setting.default);
    }
    schema
}

fn with_default(object: &mut Map<String, Value>, default: Default) {
    let value = match default {
        Default::Number(value) => json!(value),
        Default::Integer(value) => json!(value),
        Default::Choice(word) => json!(word),
        Default::Flag(flag) => json!(flag),
        Default::Required | Default::Derived(_) => return,
    };
    object.insert("default".into(), value);
}

fn shape(shape: &Shape, catalog: &Catalog) -> Value {
    let names = |group: Group| group.kinds(catalog).iter().map(|kind| kind.name).collect::<Vec<_>>();
    let number = || accepts(Accepts::Number(Range::Finite));
    match shape {
        Shape::Text => json!({ "type": "string" }),
        Shape::Accepts(what) => accepts(*what),
        Shape::Numbers => json!({ "anyOf": [number(), { "type": "array", "items": number() }] }),
        Shape::Pair => json!({ "type": "array", "items": number(), "minItems": 2, "maxItems": 2 }),
        Shape::List => json!({ "type": "array", "items": number(), "minItems": 1 }),
        Shape::Values => json!({ "type": "array", "minItems": 1 }),
        Shape::Axis(inner) => {
            let list = json!({ "type": "array", "minItems": 1 });
            json!({ "anyOf": [list, { "type": "string" }, section(inner, catalog)] })
        }
        Shape::Groups => {
            let paths = json!({ "type": "array", "items": { "type": "string" } });
            json!({ "type": "array", "items": { "anyOf": [{ "type": "string" }, paths] } })
        }
        Shape::Formulas => {
            let formula = accepts(Accepts::Formula);
            json!({ "anyOf": [formula, { "type": "array", "items": formula }] })
        }
        Shape::Call(group) => json!({ "type": "string", "pattern": pattern(&names(*group)) }),
        Shape::Word(group) => json!({ "enum": names(*group) }),
        Shape::Words(group) => json!({ "type": "array", "items": { "enum": names(*group) }, "uniqueItems": true }),
        Shape::Section(inner) => section(inner, catalog),
        Shape::Sections(inner) => json!({ "type": "array", "items": section(inner, catalog) }),
        Shape::Named { shape: inner, .. } => {
            json!({ "type": "object", "additionalProperties": self::shape(inner, catalog) })
        }
        Shape::Either(shapes) => {
            json!({ "anyOf": shapes.iter().map(|inner| self::shape(inner, catalog)).collect::<Vec<_>>() })
        }
    }
}

/// `^\s*(uniform|normal)\s*\(`
fn pattern(names: &[&str]) -> String {
    format!("^\\s*({})\\s*\\(", names.join("|"))
}

/// Numbers may be constant formulas in strings.
fn accepts(accepts: Accepts) -> Value {
    let or_formula = |number: Value| json!({ "anyOf": [number, { "type": "string" }] });
    match accepts {
        Accepts::Number(range) => or_formula(match range {
            Range::Extended | Range::Finite => json!({ "type": "number" }),
            Range::NonNegative => json!({ "type": "number", "minimum": 0 }),
            Range::Closed(low, high) => json!({ "type": "number", "minimum": low, "maximum": high }),
            // Drafts 4 and 7 spell excluded ends in different ways; the tool itself refuses them.
            Range::Positive => json!({ "type": "number", "minimum": 0 }),
            Range::Open(low, high) => json!({ "type": "number", "minimum": low, "maximum": high }),
        }),
        Accepts::Integer { low, high: i64::MAX } => or_formula(json!({ "type": "integer", "minimum": low })),
        Accepts::Integer { low, high } => or_formula(json!({ "type": "integer", "minimum": low, "maximum": high })),
        Accepts::Choice(words) => json!({ "enum": words }),
        Accepts::Flag => json!({ "type": "boolean" }),
        // Only calls have such arguments, and calls are texts.
        Accepts::Numbers(_) => json!({ "type": "string" }),
        Accepts::Formula => json!({ "anyOf": [{ "type": "string" }, { "type": "number" }] }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::sample::{CATALOG, EXAMPLE};

    /// A judge of the few words of JSON Schema that are used here: where a value breaks the schema.
    fn broken(schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
        let matches_type = |name: &str| match name {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            other => panic!("{other}"),
        };
        let mut fault = |sound: bool, why: &str| {
            if !sound {
                found.push(format!("{path}: {why}"));
            }
        };
        fault(schema["type"].as_str().is_none_or(matches_type), "type");
        fault(schema["enum"].as_array().is_none_or(|words| words.contains(value)), "enum");
        fault(schema["minimum"].as_f64().zip(value.as_f64()).is_none_or(|(low, x)| x >= low), "minimum");
        fault(schema["maximum"].as_f64().zip(value.as_f64()).is_none_or(|(high, x)| x <= high), "maximum");
        if let Some(alternatives) = schema["anyOf"].as_array() {
            let sound = |alternative: &Value| {
                let mut inner = Vec::new();
                broken(alternative, value, path, &mut inner);
                inner.is_empty()
            };
            fault(alternatives.iter().any(sound), "anyOf");
        }
        for (key, inner) in value.as_object().into_iter().flatten() {
            let here = format!("{path}.{key}");
            match (&schema["properties"][key], &schema["additionalProperties"]) {
                (Value::Object(property), _) => broken(&Value::Object(property.clone()), inner, &here, found),
                (_, Value::Bool(false)) => found.push(format!("{here}: unknown")),
                (_, Value::Object(other)) => broken(&Value::Object(other.clone()), inner, &here, found),
                _ => {}
            }
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if value.is_object() && value.get(name).is_none() {
                found.push(format!("{path}: {name} missing"));
            }
        }
        for item in value.as_array().into_iter().flatten() {
            broken(&schema["items"], item, path, found);
        }
    }

    fn judged(text: &str) -> Vec<String> {
        let value = serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap();
        let mut found = Vec::new();
        broken(&json(&CATALOG), &value, "", &mut found);
        found
    }

    #[test]
    fn the_example_obeys_the_schema_and_its_faults_do_not() {
        assert_eq!(judged(EXAMPLE), Vec::<String>::new());
        for (from, to) in [
            ("seed ", "sede "),
            ("population = 60", "population = 3"),
            ("population = 60", "memory = 3"),
            ("method = \"genetic\"", "method = \"genetics\""),
            ("level   = 0.68", "level = 68"),
            ("kind = \"poisson\"", "prior = true"),
            ("repeats = 20", "repeats = true"),
        ] {
            assert!(!judged(&EXAMPLE.replacen(from, to, 1)).is_empty(), "{to}");
        }
    }

    #[test]
    fn only_words_of_draft_4_are_used_and_every_setting_is_there() {
        let text = json(&CATALOG).to_string();
        for word in ["\"const\"", "\"if\"", "\"exclusiveMinimum\"", "\"contains\"", "\"propertyNames\"", "\"$id\""] {
            assert!(!text.contains(word), "{word}");
        }
        for kind in CATALOG.optimizers.iter().map(|row| &row.kind) {
            for setting in kind.settings {
                assert!(text.contains(&format!("\"{}\"", setting.name)), "{}", setting.name);
            }
        }
    }
}
