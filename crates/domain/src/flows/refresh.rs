use chrono::{DateTime, Utc};

use super::{Provider, TokenResponse, exchange::INVALID_GRANT};
use crate::{
    Capsule, Client, ErrorCode, RequestError, RequestedScope, Rotate, Rotation, Secret,
    ports::Failure,
};

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
            return Ok(Err(INVALID_GRANT));
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
            Some((standing, Rotate::ScopeRefused)) => Ok(Err(RequestError::saying(
                ErrorCode::InvalidScope,
                rotation.scope.refusal(standing.authority().as_ref()),
            ))),
            Some((_, Rotate::Refused | Rotate::Replayed)) | None => Ok(Err(INVALID_GRANT)),
        }
    }
}
