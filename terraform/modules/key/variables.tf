variable "name" {
  description = "Prefix of every name; the key's alias."
  type        = string
}
