"""What each operation of the API does with the model: a request in, a new world and a reply out."""
