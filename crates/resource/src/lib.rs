//! For a service behind Alias, a resource server: its routes admit whoever brings a user token that
//! is worth enough at that moment.
//!
//! User tokens are opaque, and a user may take back at any time what they granted. So a token is
//! never judged here: Alias is asked what it is worth (RFC 7662), and its answer serves for a
//! second at most, unless you [say otherwise](CacheTime). Where Alias cannot be asked, nobody is
//! admitted.
//!
//! ```no_run
//! use actix_web::{App, HttpResponse, HttpServer, post, web};
//! use alias_resource::{Alias, Grant, Refusal, Scope, Secret, Settings};
//!
//! #[post("/notifications")]
//! async fn notify(grant: Grant, text: String) -> Result<HttpResponse, Refusal> {
//!     grant.require_channel("notifications")?;
//!     // Deliver the text to grant.alias_id(), a user of grant.client_id().
//!     Ok(HttpResponse::Accepted().finish())
//! }
//!
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! let secret = Secret::new(std::env::var("CLIENT_SECRET")?);
//! let settings = Settings::new(
//!     "https://id.example.com".parse()?,
//!     std::env::var("CLIENT_ID")?.parse()?,
//!     secret,
//! );
//! let alias = web::Data::new(Alias::new(settings)?);
//! HttpServer::new(move || App::new().app_data(alias.clone()).service(notify))
//!     .bind("127.0.0.1:8082")?
//!     .run()
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! An operator registers the service with `aliasd client create --resource-server`.
//!
//! **A token does not say whom it was meant for.** Any client of this Alias can bring one, and each
//! sees another alias ID of the same user. A service that is there for some clients alone looks at
//! [`Grant::client_id`].
//!
//! | file | holds |
//! |---|---|
//! | `settings` | what the service must be told |
//! | `alias` | Alias, to be asked; the extractor |
//! | `answers` | answers that serve again for a moment |
//! | `introspection` | what an answer says, and whether it makes sense |
//! | `wire` | the HTTP client below: no redirects, little patience, small answers |
//! | `bearer` | the token of a request |
//! | `grant` | what a token is worth |
//! | `refusal` | why a request is not admitted, and what its sender is told |

#![forbid(unsafe_code)]

mod alias;
mod answers;
mod bearer;
mod grant;
mod introspection;
mod refusal;
mod settings;
#[cfg(test)]
mod tests;
mod wire;

pub use alias::Alias;
pub use alias_domain::{AliasId, ClientId, Scope, Secret};
pub use grant::Grant;
pub use refusal::Refusal;
pub use settings::{CacheTime, Issuer, IssuerError, Settings, SettingsError, TooLong};
