output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

# Work that starts in the subnets can already reach AWS.
output "subnet_ids" {
  description = "Private subnets, one a zone."
  value       = values(aws_subnet.private)[*].id
  depends_on  = [aws_route_table_association.private, aws_vpc_endpoint.gateway, aws_vpc_endpoint.interface]
}

output "security_group_id" {
  description = "Security group whose members may call AWS services."
  value       = aws_security_group.aws_clients.id
  depends_on  = [aws_vpc_security_group_egress_rule.to_gateways, aws_vpc_security_group_egress_rule.to_endpoints]
}
