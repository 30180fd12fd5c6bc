//! The municipality's own sign-in (OpenID Connect): authorization code with PKCE, state and nonce; roles from groups.
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use domain::fieldwork::Role;
use domain::time::Millis;
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreJwsSigningAlgorithm};
use openidconnect::{
    AccessToken, AsyncHttpClient, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse,
    IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, ProviderMetadataWithLogout,
    RedirectUrl, Scope, TokenResponse,
};
use serde_json::Value;
use tokio::sync::Mutex;

/// How long the provider may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer of a provider.
const MAX_ANSWER: usize = 1024 * 1024;
/// What the provider says of itself is asked for anew after this time.
const KEPT_SECONDS: i64 = 60 * 60;
/// Who may sign tokens: asymmetric algorithms only, so that our own secret is no key to anybody's account.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 3] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
];

/// Why nobody is signed in. Holds nothing secret and nobody's name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SingleError {
    /// The configuration cannot be used.
    #[error("sign_in.oidc: {0}")]
    Configuration(String),
    /// The provider does not answer as it should.
    #[error("the sign-in provider: {0}")]
    Provider(String),
    /// The token is not one for us, or not for this sign-in.
    #[error("the sign-in provider's token is refused: {0}")]
    Token(String),
}

/// What the configuration says. No `Debug`: it holds a secret.
#[derive(Clone, Default)]
pub struct Options {
    /// The provider's address, as its documents name it.
    pub issuer: String,
    /// Who we are there.
    pub client_id: String,
    /// Our secret; empty: none (PKCE alone).
    pub client_secret: String,
    /// Scopes beside `openid`.
    pub scopes: Vec<String>,
    /// The claim that lists groups.
    pub groups_claim: String,
    /// Which group opens what.
    pub roles: Vec<GroupRole>,
    /// Text of the button.
    pub button: String,
    /// Addresses count although the provider does not say that it has verified them.
    pub trust_email: bool,
    /// Further certificate authorities (PEM).
    pub authorities: Option<Vec<u8>>,
}

/// A group that opens something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRole {
    /// Short name of the municipality; empty: every one.
    pub municipality: String,
    /// The group as the claim names it.
    pub group: String,
    /// What it opens.
    pub role: Role,
}

/// A provider. No `Debug`: it holds a secret.
pub struct Provider {
    options: Options,
    issuer: IssuerUrl,
    http: Http,
    kept: Mutex<Option<(Millis, Arc<ProviderMetadataWithLogout>)>>,
}

/// A sign-in that begins: where the browser goes, and what is kept until it comes back.
pub struct Begun {
    /// Where the browser goes.
    pub place: String,
    /// Must come back in the token.
    pub nonce: String,
    /// PKCE.
    pub verifier: String,
}

/// Whom the provider vouches for. No `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Vouched {
    /// The provider.
    pub issuer: String,
    /// Its id of the person.
    pub subject: String,
    /// Name.
    pub name: String,
    /// Address; `None`: none that counts.
    pub email: Option<String>,
    /// Groups.
    pub groups: Vec<String>,
}

fn provider_error(error: impl std::fmt::Display) -> SingleError {
    SingleError::Provider(error.to_string())
}

/// TLS with the machine's authorities and those of the house.
fn client(authorities: Option<&[u8]>) -> Result<reqwest::Client, SingleError> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = authorities {
        use rustls::pki_types::pem::PemObject;
        for certificate in rustls::pki_types::CertificateDer::pem_slice_iter(pem) {
            let certificate =
                certificate.map_err(|e| SingleError::Configuration(format!("authorities_file: {e:?}")))?;
            roots.add(certificate).map_err(|e| SingleError::Configuration(format!("authorities_file: {e}")))?;
        }
    }
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .map_err(|e| SingleError::Configuration(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .build()
        .map_err(|e| SingleError::Configuration(e.to_string()))
}

/// `https`, or `http` on this machine (a provider in a test).
fn is_safe(url: &str) -> bool {
    url.starts_with("https://")
        || url.strip_prefix("http://").is_some_and(|rest| {
            let host = rest.split(['/', ':']).next().unwrap_or_default();
            matches!(host, "127.0.0.1" | "localhost")
        })
}

impl Provider {
    /// A provider as configured. Nothing is asked of it yet: a provider that is away does not keep Pejling from starting.
    ///
    /// # Errors
    /// [`SingleError::Configuration`] for an issuer that is not `https`, no client id, no group.
    pub fn new(options: Options) -> Result<Self, SingleError> {
        let fault = |what: &str| Err(SingleError::Configuration(what.to_owned()));
        if !is_safe(&options.issuer) {
            return fault("issuer must begin with https://");
        }
        if options.client_id.is_empty() {
            return fault("client_id is missing");
        }
        if options.roles.is_empty() {
            return fault("no [[sign_in.oidc.role]] says which group opens what");
        }
        let issuer = IssuerUrl::new(options.issuer.clone()).map_err(|e| SingleError::Configuration(e.to_string()))?;
        let http = Http(client(options.authorities.as_deref())?);
        Ok(Self { options, issuer, http, kept: Mutex::new(None) })
    }

    /// Text of the button.
    #[must_use]
    pub fn button(&self) -> &str {
        &self.options.button
    }

    /// What groups open at a municipality: the role that opens most.
    #[must_use]
    pub fn role_at(&self, slug: &str, groups: &[String]) -> Option<Role> {
        let order = [Role::Administrator, Role::Analyst, Role::Committee, Role::Interviewer];
        let opens = |role: Role| {
            self.options.roles.iter().any(|r| {
                r.role == role && (r.municipality.is_empty() || r.municipality == slug) && groups.contains(&r.group)
            })
        };
        order.into_iter().find(|role| opens(*role))
    }

    async fn metadata(&self, fresh: bool, now: Millis) -> Result<Arc<ProviderMetadataWithLogout>, SingleError> {
        let mut kept = self.kept.lock().await;
        if let Some((at, metadata)) = kept.as_ref()
            && !fresh
            && at.plus_seconds(KEPT_SECONDS) > now
        {
            return Ok(Arc::clone(metadata));
        }
        let found = ProviderMetadataWithLogout::discover_async(self.issuer.clone(), &self.http).await;
        let metadata = Arc::new(found.map_err(provider_error)?);
        *kept = Some((now, Arc::clone(&metadata)));
        Ok(metadata)
    }

    fn redirect(public_url: &str) -> Result<RedirectUrl, SingleError> {
        RedirectUrl::new(format!("{public_url}/sign-in/single/return")).map_err(provider_error)
    }

    fn secret(&self) -> Option<ClientSecret> {
        (!self.options.client_secret.is_empty()).then(|| ClientSecret::new(self.options.client_secret.clone()))
    }

    /// Begins a sign-in under this `state`.
    ///
    /// # Errors
    /// A provider that does not answer.
    pub async fn begin(&self, public_url: &str, state: &str, now: Millis) -> Result<Begun, SingleError> {
        let metadata = self.metadata(false, now).await?;
        let id = ClientId::new(self.options.client_id.clone());
        let client = CoreClient::from_provider_metadata((*metadata).clone(), id, self.secret())
            .set_redirect_uri(Self::redirect(public_url)?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let state = state.to_owned();
        let (url, _, nonce) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state.clone()),
                Nonce::new_random,
            )
            .add_scopes(self.options.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(challenge)
            .url();
        Ok(Begun { place: url.to_string(), nonce: nonce.secret().clone(), verifier: verifier.secret().clone() })
    }

    /// Ends a sign-in: exchanges the code and checks the token.
    ///
    /// # Errors
    /// A provider that refuses, a token that is not signed by it, not for us, too old or of another sign-in.
    pub async fn finish(
        &self,
        public_url: &str,
        code: String,
        nonce: &str,
        verifier: String,
        now: Millis,
    ) -> Result<Vouched, SingleError> {
        let metadata = self.metadata(false, now).await?;
        let id = ClientId::new(self.options.client_id.clone());
        let client = CoreClient::from_provider_metadata((*metadata).clone(), id.clone(), self.secret())
            .set_redirect_uri(Self::redirect(public_url)?);
        let exchange = client.exchange_code(AuthorizationCode::new(code)).map_err(provider_error)?;
        let answer = exchange
            .set_pkce_verifier(PkceCodeVerifier::new(verifier))
            .request_async(&self.http)
            .await
            .map_err(|_| SingleError::Provider("the code is not taken".to_owned()))?;
        let token = answer.id_token().ok_or_else(|| SingleError::Token("there is none".to_owned()))?;
        let nonce = Nonce::new(nonce.to_owned());
        let subject = match self.subject(&metadata, token, &nonce) {
            Ok(subject) => subject,
            // Keys may have changed since they were fetched.
            Err(_) => self.subject(&*self.metadata(true, now).await?, token, &nonce)?,
        };
        let mut claims = payload(token)?;
        let lacks = |claims: &Value, name: &str| claims.get(name).is_none_or(Value::is_null);
        if lacks(&claims, &self.options.groups_claim) || lacks(&claims, "email") {
            self.fill_in(&metadata, &mut claims, &subject, answer.access_token()).await?;
        }
        Ok(self.vouched(subject, &claims))
    }

    /// Checks signature, issuer, audience, times and nonce; returns the person's id.
    fn subject(
        &self,
        metadata: &ProviderMetadataWithLogout,
        token: &CoreIdToken,
        nonce: &Nonce,
    ) -> Result<String, SingleError> {
        let id = ClientId::new(self.options.client_id.clone());
        let client = CoreClient::from_provider_metadata(metadata.clone(), id, self.secret());
        let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
        let claims = token.claims(&verifier, nonce).map_err(|e| SingleError::Token(e.to_string()))?;
        Ok(claims.subject().to_string())
    }

    /// What the token does not say, from the provider's page about the person.
    async fn fill_in(
        &self,
        metadata: &ProviderMetadataWithLogout,
        claims: &mut Value,
        subject: &str,
        access: &AccessToken,
    ) -> Result<(), SingleError> {
        let Some(place) = metadata.userinfo_endpoint() else { return Ok(()) };
        let request = axum::http::Request::get(place.url().as_str())
            .header("authorization", format!("Bearer {}", access.secret()))
            .header("accept", "application/json")
            .body(Vec::new())
            .map_err(provider_error)?;
        let answer = self.http.call(request).await.map_err(provider_error)?;
        if !answer.status().is_success() {
            return Err(SingleError::Provider(format!("userinfo: {}", answer.status())));
        }
        let more: Value = serde_json::from_slice(answer.body())
            .map_err(|_| SingleError::Provider("userinfo is not JSON".to_owned()))?;
        if more.get("sub").and_then(Value::as_str) != Some(subject) {
            return Err(SingleError::Token("userinfo is about somebody else".to_owned()));
        }
        if let (Some(claims), Some(more)) = (claims.as_object_mut(), more.as_object()) {
            for (name, value) in more {
                claims.entry(name).or_insert_with(|| value.clone());
            }
        }
        Ok(())
    }

    fn vouched(&self, subject: String, claims: &Value) -> Vouched {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::trim).filter(|t| !t.is_empty());
        let verified = match claims.get("email_verified") {
            Some(Value::Bool(verified)) => *verified,
            Some(Value::String(verified)) => verified == "true",
            _ => self.options.trust_email,
        };
        let email = text("email").filter(|email| verified && email.contains('@')).map(str::to_lowercase);
        let name = text("name").or_else(|| text("preferred_username")).or(email.as_deref()).unwrap_or("?");
        let groups = match claims.get(&self.options.groups_claim) {
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(one)) => vec![one.clone()],
            _ => Vec::new(),
        };
        Vouched { issuer: self.options.issuer.clone(), subject, name: name.chars().take(120).collect(), email, groups }
    }

    /// Where one signs out at the provider too; `None`: it offers no such page, or is away.
    pub async fn sign_out(&self, public_url: &str) -> Option<String> {
        let metadata = self.kept.lock().await.as_ref().map(|(_, metadata)| Arc::clone(metadata))?;
        let place = metadata.additional_metadata().end_session_endpoint.as_ref()?;
        let mut url = place.url().clone();
        url.query_pairs_mut()
            .append_pair("client_id", &self.options.client_id)
            .append_pair("post_logout_redirect_uri", &format!("{public_url}/"));
        Some(url.to_string())
    }
}

/// The claims of a token whose signature was checked.
fn payload(token: &CoreIdToken) -> Result<Value, SingleError> {
    let text = token.to_string();
    let part = text.split('.').nth(1).unwrap_or_default();
    let bytes = data_encoding::BASE64URL_NOPAD
        .decode(part.as_bytes())
        .map_err(|_| SingleError::Token("it cannot be read".to_owned()))?;
    serde_json::from_slice(&bytes).map_err(|_| SingleError::Token("it cannot be read".to_owned()))
}

/// Asks the provider over our own TLS.
struct Http(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = Unanswered;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Unanswered>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            if !is_safe(&request.uri().to_string()) {
                return Err(Unanswered("an address that is not https".to_owned()));
            }
            let request = reqwest::Request::try_from(request).map_err(Unanswered::because)?;
            let mut answer = self.0.execute(request).await.map_err(Unanswered::because)?;
            let mut response = axum::http::Response::builder().status(answer.status());
            for (name, value) in answer.headers() {
                response = response.header(name, value);
            }
            let mut body = Vec::new();
            while let Some(chunk) = answer.chunk().await.map_err(Unanswered::because)? {
                body.extend_from_slice(&chunk);
                if body.len() > MAX_ANSWER {
                    return Err(Unanswered("an answer that is too long".to_owned()));
                }
            }
            response.body(body).map_err(|e| Unanswered(e.to_string()))
        })
    }
}

/// No answer from the provider.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unanswered(String);

impl Unanswered {
    /// The address is ours to know and may hold a code: it is left out.
    fn because(error: reqwest::Error) -> Self {
        Self(error.without_url().to_string())
    }
}
