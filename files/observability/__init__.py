"""What people with Prometheus, Grafana and Alloy import: rules, dashboards and configurations."""
