resource "aws_budgets_budget" "monthly" {
  count = var.budget == null ? 0 : 1

  name         = var.prefix
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = tostring(var.budget.monthly_usd)
  limit_unit   = "USD"

  # Counts from the day on which the tag is activated as a cost allocation tag (Billing console).
  cost_filter {
    name   = "TagKeyValue"
    values = [format("user:deployment$%s", var.prefix)]
  }

  dynamic "notification" {
    for_each = { ACTUAL = 80, FORECASTED = 100 }

    content {
      notification_type          = notification.key
      threshold                  = notification.value
      threshold_type             = "PERCENTAGE"
      comparison_operator        = "GREATER_THAN"
      subscriber_email_addresses = var.budget.emails
    }
  }
}
