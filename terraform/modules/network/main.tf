data "aws_availability_zones" "available" {
  #checkov:skip=CKV_AWS_394:The first of them by name are taken, so a zone that AWS adds does not move the subnets.
  state = "available"

  # Local and Wavelength zones have neither EFS nor Lambda.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  zones = slice(sort(data.aws_availability_zones.available.names), 0, var.zone_count)
}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr_block
  enable_dns_support   = true
  enable_dns_hostnames = true # private names of the endpoints and of the EFS mount targets

  tags = { Name = var.prefix }
}

# Closed: nothing may use the group that AWS makes by itself.
resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.this.id
}

resource "aws_subnet" "private" {
  for_each = { for index, zone in local.zones : zone => index }

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = cidrsubnet(var.cidr_block, 4, each.value)
  map_public_ip_on_launch = false

  tags = { Name = "${var.prefix}-private-${each.key}" }
}

# No route leads out: there is neither an internet gateway nor a NAT gateway.
resource "aws_route_table" "private" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.prefix}-private" }
}

resource "aws_route_table_association" "private" {
  for_each = aws_subnet.private

  subnet_id      = each.value.id
  route_table_id = aws_route_table.private.id
}
