//! The `claims` parameter: claims that a client asks for by name (OIDC Core 5.5).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

/// The longest `claims`, in bytes.
const LONGEST: usize = 4096;

/// How deep it may be nested. A list of values for a claim stands four deep; what is asked of claims
/// that nobody here has may stand deeper (nine, in OpenID Connect for Identity Assurance).
const DEEPEST: usize = 32;

/// The claims that are understood. What is said of another is ignored, whatever its form (OIDC Core
/// 5.5).
const UNDERSTOOD: [&str; 5] = ["acr", "amr", "auth_time", "nickname", "sub"];

/// The claims that a request asks for by name.
///
/// ```
/// use alias_domain::ClaimsRequest;
/// let asked = ClaimsRequest::parse(r#"{"id_token":{"acr":{"essential":true,"values":["a"]}}}"#)?;
/// let acr = asked.id_token("acr").ok_or(alias_domain::MalformedClaims)?;
/// assert!(acr.essential && acr.admits("a") && !acr.admits("b"));
/// assert_eq!(asked.userinfo("nickname"), None);
/// # Ok::<(), alias_domain::MalformedClaims>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimsRequest {
    id_token: BTreeMap<String, ClaimRequest>,
    userinfo: BTreeMap<String, ClaimRequest>,
}

/// How one claim is asked for (OIDC Core 5.5.1).
///
/// ```
/// let asked = alias_domain::ClaimsRequest::parse(r#"{"userinfo":{"nickname":null}}"#)?;
/// let nickname = asked.userinfo("nickname").ok_or(alias_domain::MalformedClaims)?;
/// assert!(!nickname.essential && nickname.admits("Fred"));
/// # Ok::<(), alias_domain::MalformedClaims>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimRequest {
    /// Whether the client cannot do without it.
    pub essential: bool,
    /// The values that it may have, where they are told: a text, or what no claim of ours is.
    pub values: Option<Vec<String>>,
}

/// A text that is no `claims` parameter.
///
/// ```
/// use alias_domain::{ClaimsRequest, MalformedClaims};
/// assert_eq!(ClaimsRequest::parse("[]"), Err(MalformedClaims));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("claims must be a JSON object as in OpenID Connect Core 5.5, of at most 4096 bytes")]
pub struct MalformedClaims;

impl ClaimsRequest {
    /// Reads the parameter. What it says of claims that nobody here has is ignored, and so is every
    /// member of another name. See the type for an example.
    ///
    /// # Errors
    /// If it is not JSON, too long or too deep, has a member twice, or asks for a claim that is
    /// understood in another form than OIDC Core 5.5 gives it.
    pub fn parse(text: &str) -> Result<Self, MalformedClaims> {
        if text.len() > LONGEST || !is_admitted(text) {
            return Err(MalformedClaims);
        }
        let mut json = serde_json::Deserializer::from_str(text);
        let parsed = REQUEST.deserialize(&mut json);
        let (Ok(Some(mut members)), Ok(())) = (parsed, json.end()) else {
            return Err(MalformedClaims);
        };
        let mut claims = |member| -> Result<BTreeMap<_, _>, MalformedClaims> {
            // There are none where it is `null` or not there.
            let claims = members.remove(member).flatten().unwrap_or_default();
            let read = claims.into_iter().map(|(name, asked)| {
                let asked = asked.map_or_else(|| Ok(ClaimRequest::default()), claim);
                Ok((name.to_owned(), asked?))
            });
            read.collect()
        };
        Ok(Self {
            id_token: claims("id_token")?,
            userinfo: claims("userinfo")?,
        })
    }

    /// How a claim of the ID token is asked for, if it is.
    ///
    /// ```
    /// let asked = alias_domain::ClaimsRequest::parse(r#"{"id_token":{"auth_time":null}}"#)?;
    /// assert!(asked.id_token("auth_time").is_some());
    /// # Ok::<(), alias_domain::MalformedClaims>(())
    /// ```
    #[must_use]
    pub fn id_token(&self, name: &str) -> Option<&ClaimRequest> {
        self.id_token.get(name)
    }

    /// How a claim of the userinfo response is asked for, if it is; see [`ClaimRequest`] for an
    /// example.
    #[must_use]
    pub fn userinfo(&self, name: &str) -> Option<&ClaimRequest> {
        self.userinfo.get(name)
    }
}

impl ClaimRequest {
    /// Whether the claim may have this value. See [`ClaimsRequest`] for an example.
    #[must_use]
    pub fn admits(&self, value: &str) -> bool {
        let told = self.values.as_ref();
        told.is_none_or(|it| it.iter().any(|it| it == value))
    }
}

fn claim(mut members: BTreeMap<&str, Json>) -> Result<ClaimRequest, MalformedClaims> {
    let essential = match members.remove("essential") {
        None => false,
        Some(Json::Bool(essential)) => essential,
        Some(_) => return Err(MalformedClaims),
    };
    let values = match (members.remove("value"), members.remove("values")) {
        (None, None) => None,
        (Some(value), None) => Some(vec![value]),
        (None, Some(Json::List(values))) => Some(values),
        // One value, and several of which it is to have one: that contradicts itself.
        (Some(_), Some(_)) | (None, Some(_)) => return Err(MalformedClaims),
    };
    let text = |value| match value {
        Json::Text(text) => Some(text),
        _ => None,
    };
    Ok(ClaimRequest {
        essential,
        values: values.map(|it| it.into_iter().filter_map(text).collect()),
    })
}

/// Whether JSON is nested no deeper than is taken, and no text in it has a bare control character, which
/// is no JSON and would pass in a name that is read as bytes.
fn is_admitted(json: &str) -> bool {
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            ..b' ' if is_text => return false,
            b'[' | b'{' if !is_text => depth += 1,
            b']' | b'}' if !is_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return false;
        }
    }
    true
}

const REQUEST: Members<Members<Members<Value>>> = Members {
    understood: &["id_token", "userinfo"],
    inside: Members {
        understood: &UNDERSTOOD,
        inside: Members {
            understood: &["essential", "value", "values"],
            inside: Value,
        },
    },
};

/// Reads an object that has no member twice, or `null`. Members that are not understood are skipped as
/// they stand: a number that no machine has, or half a surrogate pair, is no fault in them.
#[derive(Clone, Copy)]
struct Members<S> {
    understood: &'static [&'static str],
    inside: S,
}

impl<'de, S: DeserializeSeed<'de> + Copy> DeserializeSeed<'de> for Members<S> {
    type Value = Option<BTreeMap<&'static str, S::Value>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, S: DeserializeSeed<'de> + Copy> Visitor<'de> for Members<S> {
    type Value = Option<BTreeMap<&'static str, S::Value>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object, or null")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let (mut names, mut members) = (BTreeSet::new(), BTreeMap::new());
        while let Some(Name(name)) = object.next_key()? {
            match self.understood.iter().find(|it| it.as_bytes() == name) {
                Some(known) => {
                    members.insert(*known, object.next_value_seed(self.inside)?);
                }
                None => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
            if !names.insert(name) {
                return Err(A::Error::custom("a member is there twice"));
            }
        }
        Ok(Some(members))
    }
}

/// The name of a member, which may be no text: half a surrogate pair is none.
struct Name(Vec<u8>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl Visitor<'_> for Bytes {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_bytes<E>(self, name: &[u8]) -> Result<Name, E> {
                Ok(Name(name.to_owned()))
            }
        }

        deserializer.deserialize_bytes(Bytes)
    }
}

/// What a member that is understood says, as far as it matters here.
enum Json {
    Bool(bool),
    Text(String),
    List(Vec<Self>),
    Other,
}

/// Reads JSON that has no member twice.
#[derive(Clone, Copy)]
struct Value;

impl<'de> DeserializeSeed<'de> for Value {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Json::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json, A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = object.next_key::<String>()? {
            object.next_value_seed(self)?;
            if !names.insert(name) {
                return Err(A::Error::custom("a member is there twice"));
            }
        }
        Ok(Json::Other)
    }
}
