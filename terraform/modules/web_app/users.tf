# Users belong to a tenant. Only an administrator creates users and says to which; a user cannot change it.
resource "aws_cognito_user_pool" "users" {
  name                     = var.prefix
  username_attributes      = ["email"]
  auto_verified_attributes = ["email"]
  mfa_configuration        = "OPTIONAL"
  deletion_protection      = var.allow_destroy_of_data ? "INACTIVE" : "ACTIVE"

  admin_create_user_config {
    allow_admin_create_user_only = true
  }

  password_policy {
    minimum_length                   = 12
    require_lowercase                = true
    require_numbers                  = true
    require_symbols                  = false
    require_uppercase                = true
    temporary_password_validity_days = 7
  }

  software_token_mfa_configuration {
    enabled = true
  }

  account_recovery_setting {
    recovery_mechanism {
      name     = "verified_email"
      priority = 1
    }
  }

  schema {
    name                = "tenant"
    attribute_data_type = "String"
    mutable             = true # by an administrator: clients have no right to write it

    string_attribute_constraints {
      min_length = 1
      max_length = 64
    }
  }
}

resource "aws_cognito_user_pool_client" "page" {
  name         = "page"
  user_pool_id = aws_cognito_user_pool.users.id

  # A page can keep no secret; the code grant is protected by PKCE.
  generate_secret                      = false
  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_flows                  = ["code"]
  allowed_oauth_scopes                 = ["openid", "email"]
  supported_identity_providers         = ["COGNITO"]
  callback_urls                        = [for origin in local.origins : "${origin}/"]
  logout_urls                          = [for origin in local.origins : "${origin}/"]

  explicit_auth_flows           = ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"]
  prevent_user_existence_errors = "ENABLED"
  enable_token_revocation       = true
  read_attributes               = ["email", "custom:tenant"]
  write_attributes              = ["email"]

  access_token_validity  = 1
  id_token_validity      = 1
  refresh_token_validity = 7

  token_validity_units {
    access_token  = "hours"
    id_token      = "hours"
    refresh_token = "days"
  }
}

resource "aws_cognito_user_pool_domain" "sign_in" {
  domain       = "${var.prefix}-${data.aws_caller_identity.current.account_id}" # unique in a region, over all accounts
  user_pool_id = aws_cognito_user_pool.users.id
}
