"""What a registry does and answers, a module for each wing; each verb is declared once, at its class."""
