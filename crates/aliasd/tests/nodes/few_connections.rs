//! A server that grants a node fewer connections than it wants.

use alias_storage_postgres::testing::{TestDatabase, TestRole};
use futures_util::future::join_all;

use crate::{
    cluster::{EVERYTHING, Node, introduce, place},
    peer::Peer,
};

#[tokio::test]
async fn a_node_that_is_granted_fewer_connections_refuses_no_request() {
    let database = TestDatabase::migrated();
    let role = TestRole::of(&database, "CONNECTION LIMIT 7");
    let node = Node::start(&place(&role.url()));
    let party = introduce(&place(&database.url()), &node).await;
    let peers: Vec<_> = (0..64).map(|_| Peer::at(&node, &party)).collect();
    for _ in 0..5 {
        let asked = peers.iter().map(async |it| it.authorize(EVERYTHING).await);
        for answer in join_all(asked).await {
            assert!(answer.code().is_some(), "{answer:?}");
        }
        assert!(role.connections() <= 7);
    }
}
