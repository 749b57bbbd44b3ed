//! What the desk holds by name. Each value stands in a place of its own, so that the table itself stays small: one
//! that grows by doubling would else hold room for as many large values again.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::ops::{Deref, Index};

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::model::{CaseId, PostId};

use super::{Case, PostView};

/// A damaged checkpoint may announce any number of values: room for more is made as they come.
const ROOM_AT_ONCE: usize = 65_536;

/// A value that carries its own name.
pub trait Named {
    type Name: Clone + Eq + Hash + fmt::Debug;

    fn name(&self) -> Self::Name;
}

impl Named for PostView {
    type Name = PostId;

    fn name(&self) -> PostId {
        self.id.clone()
    }
}

impl Named for Case {
    type Name = CaseId;

    fn name(&self) -> CaseId {
        self.id
    }
}

/// Values by their names, in no order.
pub struct Held<V: Named>(HashMap<V::Name, Box<V>>);

impl<V: Named> Held<V> {
    pub fn get(&self, name: &V::Name) -> Option<&V> {
        self.0.get(name).map(Deref::deref)
    }

    pub fn get_mut(&mut self, name: &V::Name) -> Option<&mut V> {
        self.0.get_mut(name).map(|value| &mut **value)
    }

    pub fn contains_key(&self, name: &V::Name) -> bool {
        self.0.contains_key(name)
    }

    /// What had the name before.
    pub fn insert(&mut self, name: V::Name, value: V) -> Option<V> {
        self.0.insert(name, Box::new(value)).map(|value| *value)
    }

    pub fn remove(&mut self, name: &V::Name) -> Option<V> {
        self.0.remove(name).map(|value| *value)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn keys(&self) -> impl Iterator<Item = &V::Name> {
        self.0.keys()
    }

    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.0.values().map(Deref::deref)
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.values_mut().map(|value| &mut **value)
    }
}

impl<V: Named> Default for Held<V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<V: Named + Clone> Clone for Held<V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<V: Named + PartialEq> PartialEq for Held<V> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<V: Named + fmt::Debug> fmt::Debug for Held<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<V: Named> Index<&V::Name> for Held<V> {
    type Output = V;

    fn index(&self, name: &V::Name) -> &V {
        &self.0[name]
    }
}

/// From a list of values: read straight into their places.
impl<'de, V: Named + Deserialize<'de>> Deserialize<'de> for Held<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<V>(PhantomData<V>);

        impl<'de, V: Named + Deserialize<'de>> Visitor<'de> for List<V> {
            type Value = Held<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of values that carry their names")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Held<V>, A::Error> {
                let mut held = HashMap::with_capacity(list.size_hint().unwrap_or(0).min(ROOM_AT_ONCE));
                while let Some(value) = list.next_element::<Box<V>>()? {
                    held.insert(value.name(), value);
                }
                Ok(Held(held))
            }
        }

        deserializer.deserialize_seq(List(PhantomData))
    }
}
