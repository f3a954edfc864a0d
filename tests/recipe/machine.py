"""Runs the state machine with moto's interpreter of the States language, and its containers as local processes."""

import json
import logging
import time
from collections.abc import Callable
from typing import NamedTuple
from unittest.mock import patch

import boto3
from botocore.client import BaseClient
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
from program import LIMIT

ROLE = "arn:aws:iam::123456789012:role/states"
REGION = "us-east-1"


class Execution(NamedTuple):
    status: str
    # The accounts that a reviewer was asked to approve.
    requested: list[list[str]]
    # The mode, the account and the exit status of each container.
    containers: list[tuple[str, str, int]]


class Containers:
    """A fake ECS for `runTask.sync`. If a container exits with another status than 0, its task fails with a description as the cause."""

    def __init__(self, run: Callable[[list[str]], int]) -> None:
        self.run = run
        self.ended: list[tuple[str, str, int]] = []

    def start(self, env: Environment, normalised_parameters: dict, **_: object) -> None:
        env.stack.append(normalised_parameters)

    def wait(self, env: Environment, **_: object) -> Callable[[], dict]:
        (container,) = env.stack.pop()["Overrides"]["ContainerOverrides"]

        def look() -> dict:
            status = self.run(container["Command"])
            account, mode = (container["Command"][at] for at in (3, 7))
            self.ended.append((mode, account, status))
            described = {"LastStatus": "STOPPED", "Containers": [{"Name": container["Name"], "ExitCode": status}]}
            if status:
                raise FailureEventException(failed(env, json.dumps(described)))
            return described

        return look


def failed(env: Environment, cause: str) -> FailureEvent:
    name = StatesErrorName(StatesErrorNameType.StatesTaskFailed)
    details = EventDetails(taskFailedEventDetails=TaskFailedEventDetails(error=name.error_name, cause=cause))
    return FailureEvent(env, name, HistoryEventType.TaskFailed, details)


def client(service: str) -> BaseClient:
    return boto3.client(service, REGION, aws_access_key_id="a", aws_secret_access_key="b")


def queue_of(topic: str) -> str:
    """A queue that receives the messages of the topic."""
    queue = client("sqs").create_queue(QueueName=topic)["QueueUrl"]
    attributes = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    arn = client("sns").create_topic(Name=topic)["TopicArn"]
    client("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=attributes["QueueArn"])
    return queue


@mock_aws(config={"stepfunctions": {"execute_state_machine": True}})
def run(definition: dict, given: dict, approved: dict, command: Callable[[list[str]], int]) -> Execution:
    """Runs the state machine. The reviewer approves each request with this output."""
    logging.disable()
    containers = Containers(command)
    requested = []
    with (
        patch.object(StateTaskServiceEcs, "_eval_service_task", lambda _, **given: containers.start(**given)),
        patch.object(StateTaskServiceEcs, "_build_sync_resolver", lambda _, **given: containers.wait(**given)),
    ):
        queue, states = queue_of("sweep"), client("stepfunctions")
        machine = states.create_state_machine(name="sweep", definition=json.dumps(definition), roleArn=ROLE)
        started = states.start_execution(stateMachineArn=machine["stateMachineArn"], input=json.dumps(given))
        deadline = time.monotonic() + LIMIT
        while time.monotonic() < deadline:
            execution = states.describe_execution(executionArn=started["executionArn"])
            if execution["status"] != "RUNNING":
                break
            for message in client("sqs").receive_message(QueueUrl=queue).get("Messages", []):
                request = json.loads(json.loads(message["Body"])["Message"])
                requested.append(request["accounts"])
                states.send_task_success(taskToken=request["token"], output=json.dumps(approved))
                client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            time.sleep(0.1)
    return Execution(execution["status"], requested, sorted(containers.ended))
