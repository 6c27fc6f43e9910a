use chrono::{DateTime, Utc};

use super::{Provider, TokenResponse};
use crate::{
    Capsule, Client, ErrorCode, RefreshFault, RequestError, RequestedScope, Rotate, Rotation,
    Secret, ports::Failure, refresh::TOKEN_IS_GONE,
};

/// The answer to what is no refresh token that was sealed here.
const NO_REFRESH_TOKEN: RequestError = RequestError::new(
    ErrorCode::InvalidGrant,
    "the refresh token is none of this service, or is damaged",
);

impl Provider {
    pub(super) async fn refresh(
        &self,
        client: &Client,
        refresh_token: &Secret,
        scope: RequestedScope,
        now: DateTime<Utc>,
    ) -> Result<Result<TokenResponse, RequestError>, Failure> {
        if !client.may_refresh() {
            return Ok(Err(RequestError::new(
                ErrorCode::UnauthorizedClient,
                "public clients cannot refresh",
            )));
        }
        let Some(Capsule::Refresh(token)) = self.ports.sealer.open(refresh_token.expose()) else {
            return Ok(Err(NO_REFRESH_TOKEN));
        };
        let rotation = Rotation {
            authorization: token.authorization,
            client_id: client.id,
            generation: token.generation,
            scope,
        };
        let rotated = self.store().rotate(&rotation, &self.lifetimes, now).await?;
        match rotated {
            Some((
                standing,
                Rotate::Granted {
                    access, refresh, ..
                },
            )) => Ok(Ok(self.token_response(
                &standing,
                access,
                Some(refresh),
                now,
            )?)),
            Some((standing, Rotate::ScopeRefused)) => {
                let authority = standing.authority();
                Ok(Err(RequestError {
                    cause: rotation.scope.cause(),
                    ..RequestError::saying(
                        ErrorCode::InvalidScope,
                        rotation.scope.refusal(authority.as_ref()),
                    )
                }))
            }
            Some((standing, Rotate::Refused | Rotate::Replayed)) => {
                let fault = rotation.fault(&standing, &self.lifetimes, now);
                Ok(Err(fault.map_or(TOKEN_IS_GONE, RefreshFault::told)))
            }
            None => Ok(Err(TOKEN_IS_GONE)),
        }
    }
}
