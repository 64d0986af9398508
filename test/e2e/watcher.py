import sg_session

for change in sg_session.watch():
    print(change.state, flush=True)
