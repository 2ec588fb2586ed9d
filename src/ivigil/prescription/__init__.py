"""Makes the plan: product, dose, vials, dates, rate schedule, premedication, setting, cost."""
