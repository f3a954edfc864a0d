"""Rows for where and how a request is sent: regions, endpoints, proxies, certificates, retries, and settings without effect."""

from row import Row, signed

FAILS = frozenset({"fails"})
SERVICES = "[default]\nservices = here\n{more}[services here]\niam =\n  endpoint_url = {url}/iam\n"
EMPTY = "an empty setting counts as not set"
NONE = {"AWS_DEFAULT_REGION": None}
STRICT = "a value that cannot be understood is an error"
TRIES = "read as `standard`, with three attempts; only version 1 has `legacy`"
UNUSED = {
    "AWS_PAGER": "",
    "AWS_DEFAULT_OUTPUT": "text",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "required",
    "AWS_ACCOUNT_ID": "123456789012",
    "AWS_SIGV4A_SIGNING_REGION_SET": "*",
    "AWS_AUTH_SCHEME_PREFERENCE": "sigv4a",
    "AWS_SDK_UA_APP_ID": "app",
    "AWS_DISABLE_REQUEST_COMPRESSION": "true",
    "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES": "1",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
    "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
    "AWS_ENDPOINT_DISCOVERY_ENABLED": "true",
    "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
    "AWS_DEFAULTS_MODE": "standard",
    "AWS_EXECUTION_ENV": "x",
    "AWS_S3_USE_ARN_REGION": "true",
    "AWS_CLI_FILE_ENCODING": "UTF-8",
    "BOTO_DISABLE_CRT": "true",
    "BOTOCORE_TCP_KEEPALIVE": "true",
    "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH": "true",
    "AWS_DATA_PATH": "{home}/models",
    "AWS_ENDPOINT_URL_S3": "{url}/s3",
    "AWS_BEARER_TOKEN_IAM": "bearer",
}
UNUSED_KEYS = "\n".join(
    [
        "[default]",
        "output = text",
        "cli_pager =",
        "cli_timestamp_format = iso8601",
        "cli_binary_format = base64",
        "cli_follow_urlparam = false",
        "cli_auto_prompt = off",
        "parameter_validation = false",
        "tcp_keepalive = true",
        "account_id_endpoint_mode = required",
        "aws_account_id = 123456789012",
        "sigv4a_signing_region_set = *",
        "auth_scheme_preference = sigv4a",
        "sdk_ua_app_id = app",
        "disable_request_compression = true",
        "request_min_compression_size_bytes = 1",
        "request_checksum_calculation = when_required",
        "response_checksum_validation = when_required",
        "endpoint_discovery_enabled = true",
        "data_path = {home}/models",
        "disable_host_prefix_injection = true",
        "s3_disable_express_session_auth = true",
        "defaults_mode = standard",
        "api_versions =",
        "  ec2 = 2015-03-01",
        "s3 =",
        "  addressing_style = path",
        "",
    ]
)

REGIONS = [
    signed("no region", NONE),
    signed("`AWS_DEFAULT_REGION`", {"AWS_DEFAULT_REGION": "cn-north-1"}),
    signed(
        "`AWS_REGION`",
        {"AWS_REGION": "cn-north-1", **NONE},
        why="version 2 and all SDKs read `AWS_REGION`, before `AWS_DEFAULT_REGION`",
    ),
    signed("`region`", NONE, config="[default]\nregion = us-gov-west-1\n"),
    signed("`region` in `credentials`", NONE, credentials="[default]\nregion = us-gov-west-1\n"),
    signed(
        "`region` of `AWS_PROFILE`", {"AWS_PROFILE": "work", **NONE}, config="[profile work]\nregion = cn-north-1\n"
    ),
    signed("`AWS_DEFAULT_REGION` and `region`", config="[default]\nregion = cn-north-1\n"),
    signed("`--region` and `AWS_DEFAULT_REGION`", options=("--region", "us-gov-west-1")),
    signed(
        "an empty `AWS_DEFAULT_REGION`, and `region`",
        {"AWS_DEFAULT_REGION": ""},
        config="[default]\nregion = cn-north-1\n",
        why=EMPTY,
    ),
    signed("a region with a space", {"AWS_DEFAULT_REGION": "us east"}),
    signed("the region `eu-west-1`", {"AWS_DEFAULT_REGION": "eu-west-1"}),
    signed("the region `aws-global`", {"AWS_DEFAULT_REGION": "aws-global"}),
]
ENDPOINTS = [
    signed("`AWS_ENDPOINT_URL`", {"AWS_ENDPOINT_URL": "{url}/all"}),
    signed("`AWS_ENDPOINT_URL_IAM`", {"AWS_ENDPOINT_URL": "{url}/all", "AWS_ENDPOINT_URL_IAM": "{url}/iam"}),
    signed("`AWS_ENDPOINT_URL` in `eu-west-1`", {"AWS_ENDPOINT_URL": "{url}/all", "AWS_DEFAULT_REGION": "eu-west-1"}),
    signed("`AWS_ENDPOINT_URL` in `cn-north-1`", {"AWS_ENDPOINT_URL": "{url}/all", "AWS_DEFAULT_REGION": "cn-north-1"}),
    signed("`endpoint_url`", config="[default]\nendpoint_url = {url}/profile\n"),
    signed("`endpoint_url` of `services`", config=SERVICES.replace("{more}", "endpoint_url = {url}/profile\n")),
    signed(
        "`AWS_ENDPOINT_URL` and `services`", {"AWS_ENDPOINT_URL": "{url}/all"}, config=SERVICES.replace("{more}", "")
    ),
    signed(
        "`--endpoint-url` and `AWS_ENDPOINT_URL_IAM`",
        {"AWS_ENDPOINT_URL_IAM": "{url}/iam"},
        options=("--endpoint-url", "{url}/given"),
    ),
    signed(
        "`AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`",
        {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "AWS_ENDPOINT_URL": "{url}/all"},
    ),
    signed(
        "`ignore_configured_endpoint_urls`",
        {"AWS_ENDPOINT_URL_IAM": "{url}/iam"},
        config="[default]\nignore_configured_endpoint_urls = true\n",
    ),
    signed(
        "`AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` and `--endpoint-url`",
        {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
        options=("--endpoint-url", "{url}/given"),
    ),
    signed("an endpoint without a scheme", {"AWS_ENDPOINT_URL": "localhost"}),
    signed("an empty `AWS_ENDPOINT_URL`", {"AWS_ENDPOINT_URL": ""}),
    signed("`AWS_USE_FIPS_ENDPOINT`", {"AWS_USE_FIPS_ENDPOINT": "true"}),
    signed("`use_fips_endpoint`", config="[default]\nuse_fips_endpoint = true\n"),
    signed("FIPS in `us-gov-west-1`", {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_DEFAULT_REGION": "us-gov-west-1"}),
    signed(
        "FIPS, and an endpoint",
        {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_ENDPOINT_URL": "{url}/all"},
        why="FIPS would be ignored silently, so it is an error",
    ),
    signed("`AWS_USE_FIPS_ENDPOINT = yes`", {"AWS_USE_FIPS_ENDPOINT": "yes"}, why=STRICT),
    signed("`AWS_USE_DUALSTACK_ENDPOINT`", {"AWS_USE_DUALSTACK_ENDPOINT": "true"}),
    signed("`use_dualstack_endpoint`", config="[default]\nuse_dualstack_endpoint = true\n"),
]
ROUTES = [
    signed("`HTTP_PROXY`, an `http` endpoint", {"HTTP_PROXY": "{url}", "AWS_ENDPOINT_URL": "http://iam.example"}),
    signed("`HTTPS_PROXY` and `HTTP_PROXY`", {"HTTP_PROXY": "{second}"}),
    signed("`https_proxy`", {"HTTPS_PROXY": None, "https_proxy": "{second}"}),
    signed("`HTTPS_PROXY` and `https_proxy`", {"https_proxy": "{second}"}),
    signed("`http_proxy`", {"http_proxy": "{second}", "AWS_ENDPOINT_URL": "http://iam.example"}),
    signed("`HTTPS_PROXY` without a scheme", {"HTTPS_PROXY": "{host}"}),
    signed(
        "`NO_PROXY`", {"HTTP_PROXY": "{second}", "NO_PROXY": "localhost,127.0.0.1", "AWS_ENDPOINT_URL": "{url}/all"}
    ),
    signed("`no_proxy`", {"HTTP_PROXY": "{second}", "no_proxy": "127.0.0.1", "AWS_ENDPOINT_URL": "{url}/all"}),
    signed("`NO_PROXY = *`", {"HTTP_PROXY": "{second}", "NO_PROXY": "*", "AWS_ENDPOINT_URL": "{url}/all"}),
    signed(
        "`NO_PROXY` and `no_proxy`",
        {"HTTP_PROXY": "{second}", "NO_PROXY": "127.0.0.1", "no_proxy": "x.example", "AWS_ENDPOINT_URL": "{url}/all"},
    ),
    signed(
        "`NO_PROXY` with a domain",
        {"HTTP_PROXY": "{second}", "NO_PROXY": ".localhost", "AWS_ENDPOINT_URL": "{url}/all"},
    ),
    signed(
        "`ALL_PROXY`", {"ALL_PROXY": "{second}", "AWS_ENDPOINT_URL": "{url}/all"}, why="as curl and other tools read it"
    ),
    Row(
        "`HTTP_PROXY`, and an instance",
        {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "{url}", "HTTP_PROXY": "{second}"},
        why="a machine's own metadata is never requested through a proxy",
    ),
    Row(
        "`HTTP_PROXY`, and a container",
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "{url}/container", "HTTP_PROXY": "{second}"},
    ),
    signed("`AWS_CA_BUNDLE` of another authority", {"AWS_CA_BUNDLE": "{wrong}"}),
    signed("`ca_bundle`", {"AWS_CA_BUNDLE": None}, config="[default]\nca_bundle = {right}\n"),
    signed("`AWS_CA_BUNDLE` and `ca_bundle`", config="[default]\nca_bundle = {wrong}\n"),
    signed("`--ca-bundle` and `AWS_CA_BUNDLE`", {"AWS_CA_BUNDLE": "{wrong}"}, options=("--ca-bundle", "{right}")),
    signed("`REQUESTS_CA_BUNDLE`", {"AWS_CA_BUNDLE": None, "REQUESTS_CA_BUNDLE": "{right}"}),
    signed("`REQUESTS_CA_BUNDLE` and `AWS_CA_BUNDLE`", {"REQUESTS_CA_BUNDLE": "{wrong}"}),
    signed("`SSL_CERT_FILE`", {"AWS_CA_BUNDLE": None, "SSL_CERT_FILE": "{right}"}, why="as OpenSSL and curl read it"),
    signed("no bundle", {"AWS_CA_BUNDLE": None}),
    signed("a bundle that is not there", {"AWS_CA_BUNDLE": "{home}/no"}, why="an error before any request is sent"),
    signed(
        "an empty `AWS_CA_BUNDLE`, and `ca_bundle`",
        {"AWS_CA_BUNDLE": ""},
        config="[default]\nca_bundle = {right}\n",
        why=EMPTY,
    ),
    signed("`AWS_MAX_ATTEMPTS`", {"AWS_MAX_ATTEMPTS": "2"}, faults=FAILS),
    signed("`max_attempts`", {"AWS_MAX_ATTEMPTS": None}, config="[default]\nmax_attempts = 2\n", faults=FAILS),
    signed(
        "`AWS_MAX_ATTEMPTS` and `max_attempts`",
        {"AWS_MAX_ATTEMPTS": "1"},
        config="[default]\nmax_attempts = 2\n",
        faults=FAILS,
    ),
    signed("`AWS_RETRY_MODE = standard`", {"AWS_MAX_ATTEMPTS": None, "AWS_RETRY_MODE": "standard"}, faults=FAILS),
    signed(
        "`retry_mode = adaptive`", {"AWS_MAX_ATTEMPTS": None}, config="[default]\nretry_mode = adaptive\n", faults=FAILS
    ),
    signed(
        "`AWS_RETRY_MODE = legacy`", {"AWS_MAX_ATTEMPTS": None, "AWS_RETRY_MODE": "legacy"}, faults=FAILS, why=TRIES
    ),
    signed("`AWS_RETRY_MODE = x`", {"AWS_RETRY_MODE": "x"}),
    signed("`AWS_MAX_ATTEMPTS = 0`", {"AWS_MAX_ATTEMPTS": "0"}),
    signed(
        "`--cli-read-timeout`, `--cli-connect-timeout`",
        options=("--cli-read-timeout", "9", "--cli-connect-timeout", "9"),
    ),
    signed(
        "`AWS_LAMBDA_FUNCTION_NAME`, `_X_AMZN_TRACE_ID`",
        {"AWS_LAMBDA_FUNCTION_NAME": "f", "_X_AMZN_TRACE_ID": "Root=1"},
    ),
    signed("variables that do not affect IAM", UNUSED),
    signed("keys of a profile that do not affect IAM", config=UNUSED_KEYS),
]
# Not recorded with version 2, because both versions use the same Python function.
MIXED_CASE = [
    signed("`Https_Proxy`", {"HTTPS_PROXY": None, "Https_Proxy": "{second}"}),
    signed("`HTTPS_PROXY`, then `Https_Proxy`", {"Https_Proxy": "{second}"}),
    signed(
        "`Https_Proxy`, then `hTTPS_PROXY`", {"HTTPS_PROXY": None, "Https_Proxy": "{url}", "hTTPS_PROXY": "{second}"}
    ),
    signed("`HTTPS_proxy`, then `Https_Proxy`", {"HTTPS_proxy": "{second}", "Https_Proxy": "{url}"}),
    signed("`https_proxy`, then `Https_proxy`", {"https_proxy": "{url}", "Https_proxy": "{second}"}),
    signed(
        "an empty `Http_Proxy`", {"HTTP_PROXY": "{second}", "Http_Proxy": "", "AWS_ENDPOINT_URL": "{url}/all"}
    ),
    signed(
        "an empty `Http_proxy`", {"HTTP_PROXY": "{second}", "Http_proxy": "", "AWS_ENDPOINT_URL": "{url}/all"}
    ),
    signed(
        "`HTTP_PROXY` and `REQUEST_METHOD`",
        {"HTTP_PROXY": "{second}", "REQUEST_METHOD": "GET", "AWS_ENDPOINT_URL": "{url}/all"},
    ),
    signed(
        "`HTTP_proxy` and `REQUEST_METHOD`",
        {"HTTP_proxy": "{second}", "REQUEST_METHOD": "GET", "AWS_ENDPOINT_URL": "{url}/all"},
    ),
    signed("`No_Proxy`", {"HTTP_PROXY": "{second}", "No_Proxy": "127.0.0.1", "AWS_ENDPOINT_URL": "{url}/all"}),
    signed(
        "`NO_proxy`, then `NO_PROXY`",
        {"HTTP_PROXY": "{second}", "NO_proxy": "127.0.0.1", "NO_PROXY": "x", "AWS_ENDPOINT_URL": "{url}/all"},
    ),
]
ADDRESS = REGIONS + ENDPOINTS + ROUTES
