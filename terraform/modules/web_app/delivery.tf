locals {
  # No inline script or style, no frame around the page, and no host but the deployment's own.
  content_security_policy = join("; ", [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "font-src 'self'",
    "manifest-src 'self'",
    "img-src 'self' blob: data: ${local.storage}",
    "connect-src ${join(" ", distinct(["'self'", local.api_origin, local.sign_in_url, local.storage]))}",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ])

  # AWS's own cache policy "CachingOptimized" (CloudFront developer guide, "Use managed cache policies").
  caching_optimized = "658327ea-f89d-4fab-a63d-7e88639e58f6"
}

resource "aws_cloudfront_origin_access_control" "page" {
  name                              = "${var.prefix}-page"
  description                       = "Signs CloudFront's requests to the page bucket"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_distribution" "page" {
  #checkov:skip=CKV_AWS_68:The page is a handful of static files; what costs money is behind the API's authorizer and throttle.
  #checkov:skip=CKV2_AWS_47:As above: there is no server behind the distribution that a request could reach.
  #checkov:skip=CKV_AWS_86:Access logs go to the account's own log bucket, which no single deployment owns.
  #checkov:skip=CKV_AWS_174:CloudFront's own certificate fixes the TLS version; with `domain` it is TLS 1.2 at least.
  #checkov:skip=CKV2_AWS_42:A certificate needs a domain, which the team gives with `domain`.
  #checkov:skip=CKV_AWS_310:One bucket holds the page; a second one to fail over to is not worth its care.
  #checkov:skip=CKV_AWS_374:Marketers travel; who may sign in is Cognito's matter, not geography's.
  comment             = "Page of ${var.prefix}"
  enabled             = true
  is_ipv6_enabled     = true
  http_version        = "http2and3"
  price_class         = "PriceClass_100"
  default_root_object = "index.html"
  aliases             = var.domain == null ? [] : [var.domain.name]

  origin {
    origin_id                = "page"
    domain_name              = module.page.regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.page.id
  }

  default_cache_behavior {
    target_origin_id           = "page"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    viewer_protocol_policy     = var.require_tls ? "redirect-to-https" : "allow-all"
    compress                   = true
    cache_policy_id            = local.caching_optimized
    response_headers_policy_id = aws_cloudfront_response_headers_policy.page.id
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = var.domain == null
    acm_certificate_arn            = var.domain == null ? null : var.domain.certificate_arn
    minimum_protocol_version       = var.domain == null ? null : "TLSv1.2_2021"
    ssl_support_method             = var.domain == null ? null : "sni-only"
  }
}

resource "aws_cloudfront_response_headers_policy" "page" {
  #checkov:skip=CKV_AWS_259:Preloading is a promise about the whole of a team's domain, which is the team's to make.
  name    = "${var.prefix}-page"
  comment = "Security headers of the page"

  security_headers_config {
    content_security_policy {
      content_security_policy = local.content_security_policy
      override                = true
    }

    content_type_options {
      override = true
    }

    frame_options {
      frame_option = "DENY"
      override     = true
    }

    referrer_policy {
      referrer_policy = "no-referrer"
      override        = true
    }

    strict_transport_security {
      access_control_max_age_sec = 63072000 # two years, as hstspreload.org asks for
      include_subdomains         = true
      preload                    = false
      override                   = true
    }
  }

  custom_headers_config {
    items {
      header   = "Permissions-Policy"
      value    = "camera=(), geolocation=(), microphone=()"
      override = true
    }
  }
}
