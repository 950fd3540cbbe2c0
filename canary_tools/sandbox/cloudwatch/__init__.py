"""CloudWatch in the emulator: its API, its alarms as CloudFormation resources, their actions."""
