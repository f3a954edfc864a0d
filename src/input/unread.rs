//! Passes over a value of JSON that is not read, but not over the ID of a key in it: that key would be left out.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::Position;
use super::csv::meaning;
use super::json::Places;

/// Finds the position of the first member at any depth that is the ID of a key.
#[derive(Clone, Copy)]
pub(super) struct Unread<'a>(pub(super) &'a Cell<Places>);

impl<'de> DeserializeSeed<'de> for Unread<'_> {
    type Value = Option<Position>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Option<Position>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unread<'_> {
    type Value = Option<Position>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Option<Position>, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Option<Position>, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Option<Position>, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Option<Position>, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Option<Position>, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Option<Position>, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Option<Position>, A::Error> {
        let mut found = None;
        while let Some(at) = list.next_element_seed(self)? {
            found = found.or(at);
        }
        Ok(found)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Option<Position>, A::Error> {
        let mut found = None;
        while let Some(name) = object.next_key::<String>()? {
            let is_id = meaning(&name, ["AccessKeyId"]).is_some();
            found = found.or(is_id.then(|| self.0.get().string));
            found = found.or(object.next_value_seed(self)?);
        }
        Ok(found)
    }
}
