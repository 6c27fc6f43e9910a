//! The client library's types, with what Alias adds to the standard.

use openidconnect::core::*;
use openidconnect::{
    AdditionalProviderMetadata, Client, EmptyAdditionalClaims, EndSessionUrl, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, ExtraTokenFields, IdTokenFields, IntrospectionUrl,
    ProviderMetadata, RevocationUrl, StandardErrorResponse, StandardTokenResponse,
};
use serde::{Deserialize, Serialize};

/// What Alias's token response has beyond the standard: the channels of the user token, exactly if
/// it has `contact`.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Channels {
    pub(crate) channels: Option<String>,
}

impl ExtraTokenFields for Channels {}

/// What the library does not read of a discovery document.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct MoreMetadata {
    /// RFC 8414 2
    pub(crate) revocation_endpoint: Option<RevocationUrl>,
    /// RFC 8414 2
    pub(crate) introspection_endpoint: Option<IntrospectionUrl>,
    /// RP-Initiated Logout 1.0, 2.1
    pub(crate) end_session_endpoint: Option<EndSessionUrl>,
    /// RFC 9207 3
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for MoreMetadata {}

/// The library's metadata type, with [`MoreMetadata`].
pub(crate) type Metadata = ProviderMetadata<
    MoreMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// The library's token response, with [`Channels`].
pub(crate) type AliasTokenResponse = StandardTokenResponse<
    IdTokenFields<
        EmptyAdditionalClaims,
        Channels,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

/// The library's client, with [`AliasTokenResponse`] and the endpoints that discovery names.
pub(crate) type LibraryClient = Client<
    EmptyAdditionalClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    AliasTokenResponse,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;
