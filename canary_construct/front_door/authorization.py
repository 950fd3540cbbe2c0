"""Who may call the front door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import aws_apigateway as apigateway

from canary_construct.border import checked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_cognito as cognito


@checked()
@dataclass(frozen=True, kw_only=True)
class ApiAuthorization:
    """How callers prove who they are: one of the factories.

    Args:
        type: how API Gateway asks
        user_pools: of Cognito, whose users may call
        scopes: of which an access token must hold one; empty: identity tokens are taken
        keys: API keys that may call; empty: one is created if a key is needed
        needs_key: whether a request needs an API key

    Raises:
        ValueError: for what none of the factories makes.

    Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-control-access-to-api.html
    """

    type: apigateway.AuthorizationType
    user_pools: tuple[cognito.IUserPool, ...] = ()
    scopes: tuple[str, ...] = ()
    keys: tuple[apigateway.IApiKey, ...] = ()
    needs_key: bool = False

    def __post_init__(self) -> None:
        is_cognito = self.type is apigateway.AuthorizationType.COGNITO
        has_key = self.needs_key and self.type is apigateway.AuthorizationType.NONE
        is_iam = self.type is apigateway.AuthorizationType.IAM
        if is_cognito != bool(self.user_pools) or not (is_cognito or has_key or is_iam):
            raise ValueError(
                "an ApiAuthorization is made by iam(), cognito(…) or api_key(), got "
                f"AuthorizationType.{self.type.name} with {len(self.user_pools)} user pools"
            )

    @classmethod
    def iam(cls) -> ApiAuthorization:
        """Take requests signed by an AWS identity that `EndpointApi.grant_invoke` was called for."""
        return cls(type=apigateway.AuthorizationType.IAM)

    @classmethod
    def cognito(cls, *user_pools: cognito.IUserPool, scopes: Sequence[str] = ()) -> ApiAuthorization:
        """Take the identity token of a user of these pools, in the header `Authorization`.

        Args:
            user_pools: one or more
            scopes: such as `recommender/read`; with them, access tokens are taken instead that hold at least one of
                them: those of users, and of services, which have no identity token

        Raises:
            ValueError: when there is no pool.

        Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-integrate-with-cognito.html
        """
        if not user_pools:
            raise ValueError("user_pools of ApiAuthorization.cognito must be one or more, got none")
        return cls(type=apigateway.AuthorizationType.COGNITO, user_pools=user_pools, scopes=tuple(scopes))

    @classmethod
    def api_key(cls, keys: Sequence[apigateway.IApiKey] = ()) -> ApiAuthorization:
        """Take requests that have one of these keys in the header `x-api-key`.

        A key says which customer calls, not who: AWS advises against it as the only protection.
        Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html

        Args:
            keys: left out, one is created
        """
        return cls(type=apigateway.AuthorizationType.NONE, keys=tuple(keys), needs_key=True)
