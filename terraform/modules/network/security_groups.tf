# Members may call AWS over HTTPS through the endpoints, and nothing else.
resource "aws_security_group" "aws_clients" {
  #checkov:skip=CKV2_AWS_5:The functions and the workers, in modules of their own, are its members.
  name        = "${var.prefix}-aws-clients"
  description = "May call AWS services through the endpoints of the VPC"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.prefix}-aws-clients" }
}

resource "aws_security_group" "endpoints" {
  name        = "${var.prefix}-endpoints"
  description = "Interface endpoints of AWS services"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.prefix}-endpoints" }
}

resource "aws_vpc_security_group_egress_rule" "to_gateways" {
  for_each = { for service, endpoint in aws_vpc_endpoint.gateway : service => endpoint if var.prefix_lists }

  security_group_id = aws_security_group.aws_clients.id
  description       = "HTTPS to ${each.key}"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  prefix_list_id    = each.value.prefix_list_id
}

resource "aws_vpc_security_group_egress_rule" "to_endpoints" {
  security_group_id            = aws_security_group.aws_clients.id
  description                  = "HTTPS to the interface endpoints"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.endpoints.id
}

resource "aws_vpc_security_group_ingress_rule" "from_clients" {
  security_group_id            = aws_security_group.endpoints.id
  description                  = "HTTPS from functions and workers"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.aws_clients.id
}
