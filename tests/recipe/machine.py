"""The state machine, run by moto's interpreter of the States language. Its containers are run here, as processes."""

import json
import logging
import time
from collections.abc import Callable
from unittest.mock import patch

import boto3
from moto import mock_aws
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_ecs import (
    StateTaskServiceEcs,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

LIMIT = 60
ROLE = "arn:aws:iam::123456789012:role/states"


class Containers:
    """ECS as `runTask.sync` sees it: a task whose container did not end with 0 fails, with its description as the cause."""

    def __init__(self, run: Callable[[list[str]], int]) -> None:
        self.run = run
        self.ended: list[tuple[str, int]] = []

    def start(self, env: Environment, normalised_parameters: dict, **_: object) -> None:
        env.stack.append(normalised_parameters)

    def wait(self, env: Environment, **_: object) -> Callable[[], dict]:
        (container,) = env.stack.pop()["Overrides"]["ContainerOverrides"]

        def look() -> dict:
            status = self.run(container["Command"])
            self.ended.append((container["Command"][1], status))
            described = {"LastStatus": "STOPPED", "Containers": [{"Name": container["Name"], "ExitCode": status}]}
            if status:
                raise FailureEventException(failed(env, json.dumps(described)))
            return described

        return look


def failed(env: Environment, cause: str) -> FailureEvent:
    name = StatesErrorName(StatesErrorNameType.StatesTaskFailed)
    details = EventDetails(taskFailedEventDetails=TaskFailedEventDetails(error=name.error_name, cause=cause))
    return FailureEvent(env, name, HistoryEventType.TaskFailed, details)


@mock_aws(config={"stepfunctions": {"execute_state_machine": True}})
def run(definition: dict, given: dict, command: Callable[[list[str]], int]) -> tuple[str, list[tuple[str, int]]]:
    """How an execution ended, and how its containers did, by the profile that each was given."""
    logging.disable()
    containers = Containers(command)
    with (
        patch.object(StateTaskServiceEcs, "_eval_service_task", lambda _, **given: containers.start(**given)),
        patch.object(StateTaskServiceEcs, "_build_sync_resolver", lambda _, **given: containers.wait(**given)),
    ):
        client = boto3.client("stepfunctions", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        machine = client.create_state_machine(name="sweep", definition=json.dumps(definition), roleArn=ROLE)
        started = client.start_execution(stateMachineArn=machine["stateMachineArn"], input=json.dumps(given))
        deadline = time.monotonic() + LIMIT
        while time.monotonic() < deadline:
            execution = client.describe_execution(executionArn=started["executionArn"])
            if execution["status"] != "RUNNING":
                break
            time.sleep(0.1)
    return execution["status"], containers.ended
