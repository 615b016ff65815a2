"""Contexts and their precedence: which hub, which key, who said so, and how to open it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durablectl.config.addresses import is_address as is_address
from durablectl.config.addresses import is_grpc as is_grpc
from durablectl.config.addresses import is_loopback as is_loopback
from durablectl.config.addresses import is_plaintext as is_plaintext
from durablectl.config.addresses import is_url as is_url
from durablectl.config.addresses import place_of as place_of
from durablectl.config.contexts import Context as Context
from durablectl.config.contexts import UserFile as UserFile
from durablectl.config.contexts import check_name as check_name
from durablectl.config.contexts import checked as checked
from durablectl.config.contexts import expanded_if_usable as expanded_if_usable
from durablectl.config.contexts import read_user_file as read_user_file
from durablectl.config.contexts import write_user_file as write_user_file
from durablectl.config.hub_files import hub_file as hub_file
from durablectl.config.keys import Credential as Credential
from durablectl.config.open import REQUEST_SECONDS as REQUEST_SECONDS
from durablectl.config.open import grpc_hub as grpc_hub
from durablectl.config.open import grpc_options as grpc_options
from durablectl.config.open import http_hub as http_hub
from durablectl.config.open import load_backend as load_backend
from durablectl.config.open import open_hub as open_hub
from durablectl.config.open import open_local_hub as open_local_hub
from durablectl.config.settings import Settings as Settings
from durablectl.config.settings import default_user_file as default_user_file
from durablectl.config.settings import resolve as resolve
from durablectl.config.settings import state_folder as state_folder
from durablectl.config.settings import unknown_context as unknown_context
from durablectl.config.state import LastStarted as LastStarted
from durablectl.config.state import Started as Started
from durablectl.config.toml import replace_text as replace_text
from durablectl.config.variables import check_variable as check_variable
from durablectl.config.variables import key_of_variable as key_of_variable
from durablectl.config.variables import refuse_key as refuse_key
from durablectl.config.variables import refuse_key_as_file as refuse_key_as_file

if TYPE_CHECKING:
    from durablectl.config.tokens import CachedToken as CachedToken
