resource "aws_security_group" "mount_targets" {
  name        = "${var.prefix}-store"
  description = "Mount targets of the model volume"
  vpc_id      = var.network.vpc_id

  tags = { Name = "${var.prefix}-store" }
}

# Members may mount the volume.
resource "aws_security_group" "clients" {
  #checkov:skip=CKV2_AWS_5:The functions and the workers, in modules of their own, are its members.
  name        = "${var.prefix}-store-clients"
  description = "May mount the model volume"
  vpc_id      = var.network.vpc_id

  tags = { Name = "${var.prefix}-store-clients" }
}

resource "aws_vpc_security_group_ingress_rule" "from_clients" {
  security_group_id            = aws_security_group.mount_targets.id
  description                  = "NFS from functions and workers"
  ip_protocol                  = "tcp"
  from_port                    = 2049
  to_port                      = 2049
  referenced_security_group_id = aws_security_group.clients.id
}

resource "aws_vpc_security_group_egress_rule" "to_mount_targets" {
  security_group_id            = aws_security_group.clients.id
  description                  = "NFS to the model volume"
  ip_protocol                  = "tcp"
  from_port                    = 2049
  to_port                      = 2049
  referenced_security_group_id = aws_security_group.mount_targets.id
}
