"""The models that filmagent films with, as things a person can manage: catalogue, download, check, licence."""
