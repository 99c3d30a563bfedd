output "security_group" {
  description = "The machine's security group, which the warehouse lets in."
  value       = aws_security_group.this.id
}

output "instance_id" {
  description = "The machine, or nothing."
  value       = one(aws_instance.this[*].id)
}
