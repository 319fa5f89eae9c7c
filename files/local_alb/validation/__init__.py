"""What a request may say: rules, limits and quotas of the Elastic Load Balancing API, refused in AWS's own words."""
