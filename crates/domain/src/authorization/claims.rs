//! The `claims` parameter: claims that a client asks for by name (OIDC Core 5.5).

use std::{collections::BTreeMap, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The longest `claims`, in bytes.
const LONGEST: usize = 4096;

/// How deep it may be nested. A list of values for a claim stands four deep; what is asked of claims
/// that nobody here has may stand deeper (nine, in OpenID Connect for Identity Assurance).
const DEEPEST: u8 = 32;

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
        if text.len() > LONGEST {
            return Err(MalformedClaims);
        }
        let mut json = serde_json::Deserializer::from_str(text);
        let parsed = Nested(DEEPEST).deserialize(&mut json);
        let (Ok(Json::Object(mut members)), Ok(())) = (parsed, json.end()) else {
            return Err(MalformedClaims);
        };
        Ok(Self {
            id_token: claims(members.remove("id_token"))?,
            userinfo: claims(members.remove("userinfo"))?,
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

/// The claims of a member; there are none where it is `null` or not there.
fn claims(member: Option<Json>) -> Result<BTreeMap<String, ClaimRequest>, MalformedClaims> {
    match member {
        None | Some(Json::Null) => Ok(BTreeMap::new()),
        Some(Json::Object(claims)) => {
            let understood = claims
                .into_iter()
                .filter(|(name, _)| UNDERSTOOD.contains(&name.as_str()));
            understood
                .map(|(name, it)| Ok((name, claim(it)?)))
                .collect()
        }
        Some(_) => Err(MalformedClaims),
    }
}

fn claim(asked: Json) -> Result<ClaimRequest, MalformedClaims> {
    let mut members = match asked {
        Json::Null => return Ok(ClaimRequest::default()),
        Json::Object(members) => members,
        _ => return Err(MalformedClaims),
    };
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

/// JSON, as far as it matters here.
enum Json {
    Null,
    Bool(bool),
    Number,
    Text(String),
    List(Vec<Self>),
    Object(BTreeMap<String, Self>),
}

/// Reads JSON that is nested at most so deep, and has no member twice.
#[derive(Clone, Copy)]
struct Nested(u8);

impl Nested {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        self.0
            .checked_sub(1)
            .map(Self)
            .ok_or_else(|| E::custom("too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Nested {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Json, E> {
        Ok(Json::Number)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let inside = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(inside)? {
            values.push(value);
        }
        Ok(Json::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json, A::Error> {
        let inside = self.deeper()?;
        let mut members = BTreeMap::new();
        while let Some(name) = object.next_key::<String>()? {
            let value = object.next_value_seed(inside)?;
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a member is there twice"));
            }
        }
        Ok(Json::Object(members))
    }
}
